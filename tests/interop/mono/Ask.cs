// Asks the questions of standard input with the classes that Mono's wsdl makes; see ../steps.sh.
using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Net;
using System.Security.Cryptography.X509Certificates;
using System.Web.Services.Protocols;
using System.Xml;
using Attributes;

public static class Ask
{
    private static string Variable(string name) => Environment.GetEnvironmentVariable(name);

    private static P Connect<P>(P service, string word, string path) where P : SoapHttpClientProtocol
    {
        service.Url = Variable("INTEROP_URL") + path;
        service.Proxy = new WebProxy();
        // Or a connection that another caller opened is used.
        service.ConnectionGroupName = word;
        service.ClientCertificates.Add(new X509Certificate2(Variable("INTEROP_IDENTITIES") + "/" + word + ".p12", "changeit"));
        return service;
    }

    private static string Day(DateTime day) => day.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);

    private static string Days(OpenPeriodType period) =>
        "[" + Day(period.beginDate) + ".." + (period.endDateSpecified ? Day(period.endDate) : "") + "]";

    private static string Disclosed(ConsultAttributesReplyType reply)
    {
        if (reply.result == null) return "";
        bool filtered = (reply.dataFilters ?? new string[0]).Contains("employment/preventionService/cbeNumber");
        var parts = new List<string>();
        foreach (var employment in reply.result.employment ?? new EmploymentType[0])
        {
            string text = employment.employer == null ? "" : employment.employer.cbeNumber;
            if (employment.period != null) text += Days(employment.period);
            if (!filtered)
            {
                var services = employment.preventionService ?? new PreventionServiceType[0];
                text += "{" + string.Join(", ", services.Select(s => s.type + " " + s.cbeNumber + Days(s.affiliation))) + "}";
            }
            parts.Add(text);
        }
        if (reply.result.healthInsuranceFund != null) parts.Add("fund " + reply.result.healthInsuranceFund.cbeNumber);
        return string.Join("; ", parts);
    }

    private static string Person(ConsultAttributesReplyType reply)
    {
        if (reply.ssin != null && reply.ssin.replacedBy != null) return reply.ssin.Value + ">" + reply.ssin.replacedBy;
        return reply.result == null ? "" : reply.result.ssin;
    }

    private static string Sources(ConsultAttributesReplyType reply) =>
        string.Join(", ", (reply.sources ?? new SourceType[0]).Select(source => source.name + " " + source.Value));

    private static bool Read(string text, out DateTime day) =>
        DateTime.TryParseExact(text, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out day);

    private static object[] Answer(eHealthAttributesServiceV1 attributes, string[] fields)
    {
        DateTime begin = default(DateTime), end = default(DateTime);
        if ((fields[5] != "-" && !Read(fields[5], out begin)) || (fields[6] != "-" && !Read(fields[6], out end)))
            return new object[] { "-", "", "", "" };
        var criteria = new CriteriaType { ssin = fields[4] };
        if (fields[6] != "-") criteria.Item = new PeriodType { beginDate = begin, endDate = end };
        else if (fields[5] != "-") criteria.Item = begin;
        var organisation = new OrganizationIdentificationType
        {
            Items = new object[] { fields[2] },
            ItemsElementName = new[] { ItemsChoiceType.cbeNumber },
        };
        var request = new ConsultAttributesRequestType
        {
            informationCustomer = new InformationCustomerType { ticket = fields[0], customerIdentification = organisation },
            legalContext = fields[3],
            criteria = criteria,
        };
        try
        {
            var reply = attributes.consultAttributes(request);
            return new object[] { reply.status.code, Disclosed(reply), Person(reply), Sources(reply) };
        }
        catch (SoapException fault)
        {
            XmlNode reason = fault.Detail == null ? null : fault.Detail.SelectSingleNode(".//reasonCode");
            if (reason == null) throw;
            return new object[] { reason.InnerText, "", "", "" };
        }
    }

    public static void Main()
    {
        ServicePointManager.SecurityProtocol = SecurityProtocolType.Tls12;
        var callers = new Dictionary<string, Tuple<eHealthAttributesServiceV1, Connection.TestConnectionServiceService>>();
        for (string line = Console.ReadLine(); line != null; line = Console.ReadLine())
        {
            string[] fields = line.Split('\t');
            string word = fields[1];
            if (!callers.ContainsKey(word))
                callers[word] = Tuple.Create(
                    Connect(new eHealthAttributesServiceV1(), word, "/eHealthAttributesService/v1/consult"),
                    Connect(new Connection.TestConnectionServiceService(), word, "/TestConnectionServiceService/sendTestMessage"));
            if (fields[3] == "-")
            {
                var request = new Connection.SendTestMessageRequestType { echo = fields[0] };
                Console.WriteLine(string.Join("\t", fields[0], "ECHO", callers[word].Item2.sendTestMessage(request).echo, "", ""));
                continue;
            }
            Console.WriteLine(fields[0] + "\t" + string.Join("\t", Answer(callers[word].Item1, fields)));
        }
    }
}
