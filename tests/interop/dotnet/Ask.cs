// Asks the questions of standard input with the classes that dotnet-svcutil makes; see ../steps.sh.
using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Security.Cryptography.X509Certificates;
using System.ServiceModel;
using System.ServiceModel.Security;
using consult;

public static class Ask
{
    private static string Variable(string name) => Environment.GetEnvironmentVariable(name);

    private static void Connect<C>(ClientBase<C> service, string word) where C : class
    {
        var binding = (BasicHttpBinding)service.Endpoint.Binding;
        binding.Security.Mode = BasicHttpSecurityMode.Transport;
        binding.Security.Transport.ClientCredentialType = HttpClientCredentialType.Certificate;
        binding.UseDefaultWebProxy = false;
        var identity = new X509Certificate2(Variable("INTEROP_IDENTITIES") + "/" + word + ".p12", "changeit");
        service.ClientCredentials.ClientCertificate.Certificate = identity;
        service.ClientCredentials.ServiceCertificate.SslCertificateAuthentication = new X509ServiceCertificateAuthentication
        {
            CertificateValidationMode = X509CertificateValidationMode.Custom,
            CustomCertificateValidator = new OneAuthority(),
        };
    }

    // The development authority is in no certificate store of the machine: the chain must end in it,
    // and have no other error.
    private sealed class OneAuthority : System.IdentityModel.Selectors.X509CertificateValidator
    {
        public override void Validate(X509Certificate2 certificate)
        {
            using var chain = new X509Chain();
            chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
            chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
            chain.ChainPolicy.CustomTrustStore.Add(new X509Certificate2(Variable("INTEROP_CA")));
            if (!chain.Build(certificate)) throw new System.Security.SecurityException("the service's certificate does not verify");
        }
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

    private static object[] Answer(eHealthAttributesPortTypeClient attributes, string[] fields)
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
            var reply = attributes.consultAttributesAsync(request).GetAwaiter().GetResult().consultAttributesResponse;
            return new object[] { reply.status.code, Disclosed(reply), Person(reply), Sources(reply) };
        }
        catch (FaultException<CBSSFaultType> fault)
        {
            return new object[] { fault.Detail.detail[0].reasonCode, "", "", "" };
        }
    }

    public static void Main()
    {
        var callers = new Dictionary<string, Tuple<eHealthAttributesPortTypeClient, test.TestConnectionServicePortTypeClient>>();
        for (string line = Console.ReadLine(); line != null; line = Console.ReadLine())
        {
            string[] fields = line.Split('\t');
            string word = fields[1];
            if (!callers.ContainsKey(word))
            {
                // The contract's address is the service's own.
                var attributes = new eHealthAttributesPortTypeClient();
                var connection = new test.TestConnectionServicePortTypeClient();
                attributes.Endpoint.Address = new EndpointAddress(Variable("INTEROP_URL") + "/eHealthAttributesService/v1/consult");
                connection.Endpoint.Address = new EndpointAddress(Variable("INTEROP_URL") + "/TestConnectionServiceService/sendTestMessage");
                Connect(attributes, word);
                Connect(connection, word);
                callers[word] = Tuple.Create(attributes, connection);
            }
            if (fields[3] == "-")
            {
                var request = new test.SendTestMessageRequestType { echo = fields[0] };
                var reply = callers[word].Item2.sendTestMessageAsync(request).GetAwaiter().GetResult().sendTestMessageResponse;
                Console.WriteLine(string.Join("\t", fields[0], "ECHO", reply.echo, "", ""));
                continue;
            }
            Console.WriteLine(fields[0] + "\t" + string.Join("\t", Answer(callers[word].Item1, fields)));
        }
    }
}
