// Signs a request with SignedXml and sends it; see ../steps.sh.
using System;
using System.Globalization;
using System.IO;
using System.Net.Http;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Threading.Tasks;
using System.Xml;

public static class Program
{
    private static string Variable(string name) => Environment.GetEnvironmentVariable(name);

    private static string Escape(string name) => System.Security.SecurityElement.Escape(Variable(name));

    private static XmlDocument Question()
    {
        // Without PreserveWhitespace, white space between elements is lost after signing.
        var document = new XmlDocument { PreserveWhitespace = true };
        document.LoadXml("<s:Envelope xmlns:s=\"" + SignedRequest.Soap + "\"><s:Header/><s:Body>"
            + "<intf:consultAttributesRequest xmlns:intf=\"http://kszbcss.fgov.be/intf/eHealthAttributesService/v1\">"
            + "<informationCustomer><customerIdentification><cbeNumber>" + Escape("CBE")
            + "</cbeNumber></customerIdentification></informationCustomer><legalContext>" + Escape("LEGAL_CONTEXT")
            + "</legalContext><criteria><ssin>" + Escape("SSIN")
            + "</ssin></criteria></intf:consultAttributesRequest></s:Body></s:Envelope>");
        return document;
    }

    public static async Task<int> Main()
    {
        var document = Question();
        using (var certificate = X509Certificate2.CreateFromPem(File.ReadAllText(Variable("SIGNING_SIGN_CERT"))))
        using (var key = RSA.Create())
        {
            key.ImportFromPem(File.ReadAllText(Variable("SIGNING_SIGN_KEY")));
            string now = Variable("NOW");
            var time = string.IsNullOrEmpty(now)
                ? DateTime.UtcNow
                : DateTimeOffset.Parse(now, CultureInfo.InvariantCulture).UtcDateTime;
            SignedRequest.Sign(document, certificate, key, time);
        }
        byte[] message = Encoding.UTF8.GetBytes(document.OuterXml);
        File.WriteAllBytes(Variable("SIGNING_OUT"), message);
        return Variable("SIGNING_URL") == "-" ? 0 : await Send(message);
    }

    private static async Task<int> Send(byte[] message)
    {
        // A certificate with a key from PEM must pass through PKCS#12 on Windows.
        using var pem = X509Certificate2.CreateFromPemFile(Variable("SIGNING_CERT"), Variable("SIGNING_KEY"));
        using var identity = new X509Certificate2(pem.Export(X509ContentType.Pkcs12));
        using var authority = X509Certificate2.CreateFromPem(File.ReadAllText(Variable("SIGNING_CA")));
        using var handler = new HttpClientHandler { UseProxy = false };
        handler.ClientCertificates.Add(identity);
        handler.ServerCertificateCustomValidationCallback = (request, server, chain, errors) =>
        {
            if ((errors & System.Net.Security.SslPolicyErrors.RemoteCertificateNameMismatch) != 0) return false;
            chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
            chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
            chain.ChainPolicy.CustomTrustStore.Add(authority);
            return chain.Build(server);
        };
        using var client = new HttpClient(handler);
        using var content = new ByteArrayContent(message);
        content.Headers.ContentType = new MediaTypeHeaderValue("text/xml") { CharSet = "utf-8" };
        content.Headers.Add("SOAPAction", "\"http://kszbcss.fgov.be/eHealthAttributesService/consultAttributes\"");
        using var response = await client.PostAsync(Variable("SIGNING_URL"), content);
        var answer = new XmlDocument();
        answer.LoadXml(await response.Content.ReadAsStringAsync());
        var code = answer.SelectSingleNode("//status/code");
        if (code != null)
        {
            Console.WriteLine(code.InnerText);
            return 0;
        }
        var text = answer.SelectSingleNode("//faultstring");
        if (text == null) return 1;
        Console.WriteLine(text.InnerText + " " + (answer.SelectSingleNode("//reasonCode")?.InnerText ?? "-"));
        return 3;
    }
}
