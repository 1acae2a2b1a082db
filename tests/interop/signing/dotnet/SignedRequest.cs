// The signature of a request, by SignedXml.
using System;
using System.Globalization;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Security.Cryptography.Xml;
using System.Xml;

public static class SignedRequest
{
    public const string Soap = "http://schemas.xmlsoap.org/soap/envelope/";
    private const string Oasis = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss";
    private const string Secext = Oasis + "-wssecurity-secext-1.0.xsd";
    private const string Utility = Oasis + "-wssecurity-utility-1.0.xsd";
    private const string X509 = Oasis + "-x509-token-profile-1.0#X509v3";
    private const string Base64 = Oasis + "-soap-message-security-1.0#Base64Binary";
    private const string Exclusive = "http://www.w3.org/2001/10/xml-exc-c14n#";
    private const string RsaSha256 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256";
    private const string Sha256 = "http://www.w3.org/2001/04/xmlenc#sha256";

    // SignedXml finds `Id` without a namespace only.
    private sealed class WsuSignedXml : SignedXml
    {
        public WsuSignedXml(XmlDocument document) : base(document) { }

        public override XmlElement GetIdElement(XmlDocument document, string value)
        {
            var names = new XmlNamespaceManager(document.NameTable);
            names.AddNamespace("wsu", Utility);
            // The identifiers are ours: they contain no quote.
            var found = document.SelectNodes("//*[@wsu:Id='" + value + "']", names);
            return found.Count == 1 ? (XmlElement)found[0] : null;
        }
    }

    // Adds a Security header to an envelope with a Header and a Body, and signs Body, Timestamp and token.
    // Send OuterXml of the document unchanged.
    public static void Sign(XmlDocument document, X509Certificate2 certificate, RSA key, DateTime now)
    {
        var names = new XmlNamespaceManager(document.NameTable);
        names.AddNamespace("s", Soap);
        var body = (XmlElement)document.SelectSingleNode("/s:Envelope/s:Body", names);
        string bodyId = SetId(body);
        var security = Add(document.SelectSingleNode("/s:Envelope/s:Header", names), "wsse", "Security", Secext);
        var mustUnderstand = document.CreateAttribute(body.Prefix, "mustUnderstand", Soap);
        mustUnderstand.Value = "1";
        security.SetAttributeNode(mustUnderstand);

        var token = Add(security, "wsse", "BinarySecurityToken", Secext, Convert.ToBase64String(certificate.RawData));
        string tokenId = SetId(token);
        token.SetAttribute("ValueType", X509);
        token.SetAttribute("EncodingType", Base64);
        var timestamp = Add(security, "wsu", "Timestamp", Utility);
        string timestampId = SetId(timestamp);
        Add(timestamp, "wsu", "Created", Utility, Time(now));
        Add(timestamp, "wsu", "Expires", Utility, Time(now.AddMinutes(5)));

        var signed = new WsuSignedXml(document) { SigningKey = key };
        signed.SignedInfo.CanonicalizationMethod = Exclusive;
        signed.SignedInfo.SignatureMethod = RsaSha256;
        foreach (string id in new[] { bodyId, timestampId, tokenId })
        {
            var reference = new Reference("#" + id) { DigestMethod = Sha256 };
            reference.AddTransform(new XmlDsigExcC14NTransform());
            signed.AddReference(reference);
        }
        var direct = document.CreateElement("wsse", "SecurityTokenReference", Secext);
        var target = Add(direct, "wsse", "Reference", Secext);
        target.SetAttribute("URI", "#" + tokenId);
        target.SetAttribute("ValueType", X509);
        signed.KeyInfo.AddClause(new KeyInfoNode(direct));
        signed.ComputeSignature();
        security.AppendChild(document.ImportNode(signed.GetXml(), true));
    }

    private static string Time(DateTime time) =>
        time.ToUniversalTime().ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);

    // A new identifier: with fixed ones, two equal requests in one second have one signature, which is a replay.
    private static string SetId(XmlElement element)
    {
        var id = element.OwnerDocument.CreateAttribute("wsu", "Id", Utility);
        id.Value = "id-" + Guid.NewGuid();
        element.SetAttributeNode(id);
        return id.Value;
    }

    private static XmlElement Add(XmlNode parent, string prefix, string name, string space, string text = null)
    {
        var element = parent.OwnerDocument.CreateElement(prefix, name, space);
        if (text != null) element.InnerText = text;
        parent.AppendChild(element);
        return element;
    }
}
