// Prints the competent prevention service of each person, with WCF on .NET. See ../README.md.
//
// usage: router SSIN...
using System;
using System.Collections.Generic;
using System.Globalization;
using System.IdentityModel.Selectors;
using System.Linq;
using System.Net;
using System.Net.Http;
using System.Security.Cryptography.X509Certificates;
using System.ServiceModel;
using System.ServiceModel.Channels;
using System.ServiceModel.Description;
using System.ServiceModel.Dispatcher;
using System.ServiceModel.Security;
using System.Threading.Tasks;

namespace EHealthAttributes
{
    // A fault that the same question would get again.
    public class RefusedException : Exception
    {
        public RefusedException(string code) : base(code) { }
    }

    // No answer now. Without Wait, the router must not ask again at once.
    public class LaterException : Exception
    {
        public static readonly TimeSpan DefaultWait = TimeSpan.FromSeconds(1);
        public static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(30);

        public TimeSpan? Wait { get; private set; }

        public LaterException(string what) : base(what) { }

        public static LaterException Retryable(string what, TimeSpan? retryAfter)
        {
            TimeSpan wait = retryAfter ?? DefaultWait;
            return new LaterException(what) { Wait = wait < LongestWait ? wait : LongestWait };
        }
    }

    public class UnusableException : Exception
    {
        public UnusableException(string message) : base(message) { }
    }

    public class Settings
    {
        // The service answers in milliseconds. 30 s is longer than every queue in it, and shorter than a user's patience.
        private const double AnswerSeconds = 30;

        public readonly string Url = Required("EHEALTH_URL").TrimEnd('/');
        public readonly string Authority = Required("EHEALTH_CA");
        public readonly string Identity = Required("EHEALTH_P12");
        public readonly string Password = Environment.GetEnvironmentVariable("EHEALTH_P12_PASSWORD") ?? "";
        public readonly string Organisation = Required("EHEALTH_ORGANISATION");
        public readonly string LegalContext = Required("EHEALTH_LEGAL_CONTEXT");
        public readonly TimeSpan Limit = ReadLimit();

        private static string Required(string name)
        {
            string value = Environment.GetEnvironmentVariable(name);
            return string.IsNullOrEmpty(value) ? throw new UnusableException(name + " is not set") : value;
        }

        private static TimeSpan ReadLimit()
        {
            string text = Environment.GetEnvironmentVariable("EHEALTH_TIMEOUT_SECONDS");
            if (string.IsNullOrEmpty(text)) return TimeSpan.FromSeconds(AnswerSeconds);
            bool isNumber = double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double seconds);
            return isNumber && seconds > 0
                ? TimeSpan.FromSeconds(seconds)
                : throw new UnusableException("EHEALTH_TIMEOUT_SECONDS is no number of seconds");
        }
    }

    public class Directory
    {
        private const string Consult = "/eHealthAttributesService/v1/consult";
        private const int Attempts = 3;
        // A host that drops packets must not block a thread for the two minutes of TCP.
        private static readonly TimeSpan Connect = TimeSpan.FromSeconds(5);
        // Faults of the service itself: the question was not answered, and may be asked again.
        private static readonly string[] ServiceFaults = { "MSG00003", "MSG90053" };
        private const string QuotaExhausted = "MSG90052";

        private readonly Settings settings;
        private readonly AttributesClient client;
        private readonly Headers headers = new Headers();

        public Directory(Settings settings)
        {
            this.settings = settings;
            // [binding]
            var binding = new BasicHttpBinding(BasicHttpSecurityMode.Transport)
            {
                // The default, 64 KiB, is too small for the answer about a person with many employments.
                MaxReceivedMessageSize = 8 << 20,
                OpenTimeout = Connect,
                // Sending, and waiting for the whole answer.
                SendTimeout = settings.Limit,
            };
            binding.Security.Transport.ClientCredentialType = HttpClientCredentialType.Certificate;
            client = new AttributesClient(binding, new EndpointAddress(settings.Url + Consult));
            client.ClientCredentials.ClientCertificate.Certificate =
                X509CertificateLoader.LoadPkcs12FromFile(settings.Identity, settings.Password);
            client.ClientCredentials.ServiceCertificate.SslCertificateAuthentication =
                new X509ServiceCertificateAuthentication
                {
                    CertificateValidationMode = X509CertificateValidationMode.Custom,
                    CustomCertificateValidator = new OneAuthority(settings.Authority),
                };
            client.Endpoint.EndpointBehaviors.Add(headers);
            // [/binding]
        }

        // Keeps Retry-After of the last response, which no exception has. WCF does not show the response of a 503: there
        // the router waits for the default.
        private sealed class Headers : IEndpointBehavior, IClientMessageInspector
        {
            public TimeSpan? RetryAfter { get; private set; }

            public object BeforeSendRequest(ref Message request, IClientChannel channel)
            {
                RetryAfter = null;
                return null;
            }

            public void AfterReceiveReply(ref Message reply, object state)
            {
                if (!reply.Properties.TryGetValue(HttpResponseMessageProperty.Name, out object property)) return;
                string text = ((HttpResponseMessageProperty)property).Headers[HttpResponseHeader.RetryAfter];
                // The service sends seconds, never a date.
                if (int.TryParse(text, out int seconds)) RetryAfter = TimeSpan.FromSeconds(seconds);
            }

            public void ApplyClientBehavior(ServiceEndpoint endpoint, ClientRuntime runtime) =>
                runtime.ClientMessageInspectors.Add(this);

            public void AddBindingParameters(ServiceEndpoint endpoint, BindingParameterCollection parameters) { }
            public void ApplyDispatchBehavior(ServiceEndpoint endpoint, EndpointDispatcher dispatcher) { }
            public void Validate(ServiceEndpoint endpoint) { }
        }

        // Trusts one authority, which is in no certificate store of the machine. WCF compares the name itself.
        private sealed class OneAuthority : X509CertificateValidator
        {
            private readonly X509Certificate2 authority;

            public OneAuthority(string file)
            {
                authority = X509CertificateLoader.LoadCertificateFromFile(file);
            }

            public override void Validate(X509Certificate2 certificate)
            {
                using (var chain = new X509Chain())
                {
                    chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
                    chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
                    chain.ChainPolicy.CustomTrustStore.Add(authority);
                    if (!chain.Build(certificate))
                        throw new System.Security.SecurityException("the certificate of the service does not verify");
                }
            }
        }

        // [call]
        private async Task<ConsultAttributesReplyType> AskOnceAsync(string ssin)
        {
            var request = new ConsultAttributesRequestType
            {
                informationCustomer = new InformationCustomerType
                {
                    customerIdentification = new OrganizationIdentificationType { cbeNumber = settings.Organisation },
                },
                legalContext = settings.LegalContext,
                // Without a date, the question is about today in Brussels.
                criteria = new CriteriaType { ssin = ssin },
            };
            try
            {
                return (await client.ConsultAttributesAsync(new ConsultAttributesQuestion { Request = request })).Reply;
            }
            catch (Exception error)
            {
                throw Classify(error, headers.RetryAfter);
            }
        }

        // What an error means for the same question.
        private static Exception Classify(Exception error, TimeSpan? retryAfter)
        {
            // HTTP 500. The code of the fault says only Client or Server; the code to act on is in the detail.
            if (error is FaultException<CBSSFaultType> fault)
            {
                string code = fault.Detail.detail[0].reasonCode;
                bool isRetryable = ServiceFaults.Contains(code) || (code == QuotaExhausted && retryAfter.HasValue);
                return isRetryable ? (Exception)LaterException.Retryable(code, retryAfter) : new RefusedException(code);
            }
            // VersionMismatch and MustUnderstand have no detail.
            if (error is FaultException bare) return new RefusedException(bare.Code.Name);
            // HTTP 503: WCF throws at once, without an attempt of its own.
            if (error is ServerTooBusyException) return LaterException.Retryable("http 503", null);
            // The question may have been answered and recorded. Asking again is safe, but gives a second record.
            if (error is TimeoutException) return new LaterException("timeout");
            // Refused, or lost before the first byte of an answer.
            if (error is EndpointNotFoundException || error.InnerException is HttpRequestException)
                return LaterException.Retryable("connection", null);
            if (!(error is CommunicationException)) return error;
            // A wrong certificate, another HTTP status, or an answer that is not of this contract.
            Console.Error.WriteLine("router: " + error.Message);
            return new LaterException("connection");
        }
        // [/call]

        // The reply about one person, after at most three attempts.
        private async Task<ConsultAttributesReplyType> AskAsync(string ssin)
        {
            for (int attempt = 1; ; attempt++)
            {
                try
                {
                    return await AskOnceAsync(ssin);
                }
                catch (LaterException later) when (later.Wait.HasValue && attempt < Attempts)
                {
                    await Task.Delay(later.Wait.Value);
                }
            }
        }

        // [route]
        // Value of a named fact of the status, or null.
        private static string Information(ConsultAttributesReplyType reply, string name) =>
            reply.status.information?.FirstOrDefault(fact => fact.fieldName == name)?.fieldValue;

        // Whether the answer would show an internal service if there was one.
        private static bool KnowsInternalServices(ConsultAttributesReplyType reply) =>
            reply.status.code != "HAN20200"
            || reply.sources?.Any(source => source.name == "federated"
                && (source.Value == "DATA_FOUND" || source.Value == "NO_DATA_FOUND")) == true;

        // The competent service of an employment, or null if it is not known.
        private static PreventionServiceType Competent(EmploymentType employment, ConsultAttributesReplyType reply)
        {
            var services = employment.preventionService ?? new List<PreventionServiceType>();
            return services.FirstOrDefault(service => service.type == "INTERNAL")
                ?? (KnowsInternalServices(reply) ? services.FirstOrDefault() : null);
        }

        // The lines about one person.
        public async Task<IEnumerable<string[]>> LinesAsync(string ssin)
        {
            ConsultAttributesReplyType reply;
            try
            {
                reply = await AskAsync(ssin);
                string replacement = reply.status.code == "MSG00006" ? Information(reply, "newSSIN") : null;
                // The number was replaced. Keep the new one: your next question should use it.
                if (replacement != null) reply = await AskAsync(replacement);
            }
            catch (RefusedException refused)
            {
                return new[] { new[] { ssin, "refused", refused.Message } };
            }
            catch (LaterException later)
            {
                return new[] { new[] { ssin, "later", later.Message } };
            }
            var none = new[] { ssin, "none", reply.status.code };
            var employments = reply.result?.employment;
            if (employments == null || employments.Count == 0) return new[] { none };
            // Newest first: the service sorts them.
            return employments.Select(employment =>
            {
                var service = Competent(employment, reply);
                return service == null
                    ? none
                    : new[] { ssin, "service", service.cbeNumber, service.type, service.affiliation?.beginDate };
            });
        }
        // [/route]
    }

    public static class Program
    {
        public static async Task<int> Main(string[] ssins)
        {
            Directory directory;
            try
            {
                if (ssins.Length == 0) throw new UnusableException("give one or more SSINs as arguments");
                directory = new Directory(new Settings());
            }
            catch (UnusableException error)
            {
                Console.Error.WriteLine("router: " + error.Message);
                return 2;
            }
            foreach (string ssin in ssins)
                foreach (string[] line in await directory.LinesAsync(ssin))
                    Console.WriteLine(string.Join("\t", line));
            return 0;
        }
    }
}
