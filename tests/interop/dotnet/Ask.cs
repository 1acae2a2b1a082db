// Asks the questions of standard input with the service contract of examples/dotnet; see ../steps.sh.
using System;
using System.Collections.Generic;
using System.Linq;
using System.Security.Cryptography.X509Certificates;
using System.ServiceModel;
using System.ServiceModel.Security;
using EHealthAttributes;

public static class Ask
{
    private static string Variable(string name) => Environment.GetEnvironmentVariable(name);

    private static BasicHttpBinding Binding()
    {
        var binding = new BasicHttpBinding(BasicHttpSecurityMode.Transport) { MaxReceivedMessageSize = 8 << 20 };
        binding.Security.Transport.ClientCredentialType = HttpClientCredentialType.Certificate;
        binding.UseDefaultWebProxy = false;
        return binding;
    }

    private static C Identified<C, I>(C client, string word) where C : ClientBase<I> where I : class
    {
        client.ClientCredentials.ClientCertificate.Certificate = X509CertificateLoader.LoadPkcs12FromFile(
            Variable("INTEROP_IDENTITIES") + "/" + word + ".p12", "changeit");
        client.ClientCredentials.ServiceCertificate.SslCertificateAuthentication = new X509ServiceCertificateAuthentication
        {
            CertificateValidationMode = X509CertificateValidationMode.Custom,
            CustomCertificateValidator = new OneAuthority(),
        };
        return client;
    }

    // The development authority is in no certificate store of the machine: the chain must end in it,
    // and have no other error.
    private sealed class OneAuthority : System.IdentityModel.Selectors.X509CertificateValidator
    {
        public override void Validate(X509Certificate2 certificate)
        {
            using (var chain = new X509Chain())
            {
                chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
                chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
                chain.ChainPolicy.CustomTrustStore.Add(X509CertificateLoader.LoadCertificateFromFile(Variable("INTEROP_CA")));
                if (!chain.Build(certificate)) throw new System.Security.SecurityException("the service's certificate does not verify");
            }
        }
    }

    private static string Days(PeriodType period) =>
        period == null ? "" : "[" + period.beginDate + ".." + period.endDate + "]";

    private static string Disclosed(ConsultAttributesReplyType reply)
    {
        if (reply.result == null) return "";
        bool filtered = reply.dataFilters?.Contains("employment/preventionService/cbeNumber") == true;
        var parts = new List<string>();
        foreach (var employment in reply.result.employment ?? new List<EmploymentType>())
        {
            string text = employment.employer?.cbeNumber + Days(employment.period);
            if (!filtered)
            {
                var services = employment.preventionService ?? new List<PreventionServiceType>();
                text += "{" + string.Join(", ", services.Select(s => s.type + " " + s.cbeNumber + Days(s.affiliation))) + "}";
            }
            parts.Add(text);
        }
        if (reply.result.healthInsuranceFund != null) parts.Add("fund " + reply.result.healthInsuranceFund.cbeNumber);
        return string.Join("; ", parts);
    }

    private static string Person(ConsultAttributesReplyType reply) =>
        reply.ssin?.replacedBy != null ? reply.ssin.Value + ">" + reply.ssin.replacedBy : reply.result?.ssin;

    private static string Sources(ConsultAttributesReplyType reply) =>
        string.Join(", ", (reply.sources ?? new List<SourceType>()).Select(source => source.name + " " + source.Value));

    private static string[] Answer(AttributesClient client, string[] fields)
    {
        var criteria = new CriteriaType { ssin = fields[4] };
        if (fields[6] != "-") criteria.period = new PeriodType { beginDate = fields[5], endDate = fields[6] };
        else if (fields[5] != "-") criteria.referenceDate = fields[5];
        var request = new ConsultAttributesRequestType
        {
            informationCustomer = new InformationCustomerType
            {
                ticket = fields[0],
                customerIdentification = new OrganizationIdentificationType { cbeNumber = fields[2] },
            },
            legalContext = fields[3],
            criteria = criteria,
        };
        try
        {
            var question = new ConsultAttributesQuestion { Request = request };
            var reply = client.ConsultAttributesAsync(question).GetAwaiter().GetResult().Reply;
            return new[] { reply.status.code, Disclosed(reply), Person(reply), Sources(reply) };
        }
        catch (FaultException<CBSSFaultType> fault)
        {
            return new[] { fault.Detail.detail[0].reasonCode, "", "", "" };
        }
    }

    public static void Main()
    {
        var consult = new EndpointAddress(Variable("INTEROP_URL") + "/eHealthAttributesService/v1/consult");
        var test = new EndpointAddress(Variable("INTEROP_URL") + "/TestConnectionServiceService/sendTestMessage");
        var callers = new Dictionary<string, Tuple<AttributesClient, TestConnectionClient>>();
        for (string line = Console.ReadLine(); line != null; line = Console.ReadLine())
        {
            string[] fields = line.Split('\t');
            string word = fields[1];
            if (!callers.ContainsKey(word))
                callers[word] = Tuple.Create(
                    Identified<AttributesClient, IAttributes>(new AttributesClient(Binding(), consult), word),
                    Identified<TestConnectionClient, ITestConnection>(new TestConnectionClient(Binding(), test), word));
            if (fields[3] == "-")
            {
                var question = new TestQuestion { Request = new SendTestMessageRequestType { echo = fields[0] } };
                var reply = callers[word].Item2.SendTestMessageAsync(question).GetAwaiter().GetResult().Reply;
                Console.WriteLine(string.Join("\t", fields[0], "ECHO", reply.echo, "", ""));
                continue;
            }
            Console.WriteLine(fields[0] + "\t" + string.Join("\t", Answer(callers[word].Item1, fields)));
        }
    }
}
