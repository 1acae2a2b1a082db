import java.io.ByteArrayOutputStream;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.StringReader;
import java.net.URI;
import java.net.http.HttpClient;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import java.time.Duration;
import java.time.Instant;
import java.util.Properties;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;
import javax.xml.transform.Source;
import javax.xml.transform.TransformerFactory;
import javax.xml.transform.dom.DOMResult;
import javax.xml.transform.stream.StreamSource;
import org.apache.wss4j.common.crypto.CryptoFactory;
import org.apache.wss4j.dom.engine.WSSConfig;
import org.springframework.ws.WebServiceMessage;
import org.springframework.ws.client.core.WebServiceTemplate;
import org.springframework.ws.client.support.interceptor.ClientInterceptor;
import org.springframework.ws.soap.client.SoapFaultClientException;
import org.springframework.ws.soap.client.core.SoapActionCallback;
import org.springframework.ws.soap.security.wss4j2.Wss4jSecurityInterceptor;
import org.springframework.ws.transport.WebServiceConnection;
import org.springframework.ws.transport.http.JdkHttpClientConnection;
import org.springframework.ws.transport.http.JdkHttpClientMessageSender;
import org.w3c.dom.Document;
import org.w3c.dom.Node;

/** Signs a request with Spring-WS and WSS4J, and sends it; see ../steps.sh. */
public class Sign {
    static final String INTF = "http://kszbcss.fgov.be/intf/eHealthAttributesService/v1";
    static final String SOAP = "http://schemas.xmlsoap.org/soap/envelope/";
    static final String OASIS = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-";
    static final String MORE = "http://www.w3.org/2001/04/xmldsig-more#";
    static final char[] PASSWORD = "changeit".toCharArray();
    static final boolean IS_SENT = !env("URL").equals("-");
    static final String NOW = System.getenv().getOrDefault("NOW", "");

    public static void main(String[] arguments) throws Exception {
        var template = new WebServiceTemplate();
        template.setDefaultUri(IS_SENT ? env("URL") : "https://localhost");
        template.setMessageSender(new KeepingSender(IS_SENT ? tls() : SSLContext.getDefault()));
        template.setInterceptors(new ClientInterceptor[] {signer()});
        var action = new SoapActionCallback("http://kszbcss.fgov.be/eHealthAttributesService/consultAttributes");
        var reply = new DOMResult();
        try {
            template.sendSourceAndReceiveToResult(new StreamSource(new StringReader(question())), action, reply);
            System.out.println(text(reply.getNode(), "code"));
        } catch (SoapFaultClientException exception) {
            var detail = exception.getSoapFault().getFaultDetail();
            String reason = detail == null ? "-" : text(tree(detail.getSource()), "reasonCode");
            System.out.println(exception.getFaultStringOrReason() + " " + reason);
            System.exit(3);
        }
        System.exit(0);
    }

    /** Signs Timestamp, Body and token with SHA-256. WSS4J's defaults sign the Body alone, with SHA-1. */
    static Wss4jSecurityInterceptor signer() throws Exception {
        var crypto = new Properties();
        crypto.put("org.apache.wss4j.crypto.provider", "org.apache.wss4j.common.crypto.Merlin");
        crypto.put("org.apache.wss4j.crypto.merlin.keystore.type", "PKCS12");
        crypto.put("org.apache.wss4j.crypto.merlin.keystore.file", System.getenv("SIGNING_STORES") + "/sign.p12");
        crypto.put("org.apache.wss4j.crypto.merlin.keystore.password", "changeit");
        var signer = new Wss4jSecurityInterceptor();
        signer.setSecurementActions("Timestamp Signature");
        signer.setSecurementTimeToLive(300);
        signer.setSecurementSignatureCrypto(CryptoFactory.getInstance(crypto));
        signer.setSecurementUsername("identity");
        signer.setSecurementPassword("changeit");
        signer.setSecurementSignatureKeyIdentifier("DirectReference");
        signer.setSecurementSignatureParts("{Element}{" + OASIS + "utility-1.0.xsd}Timestamp;{Element}{" + SOAP + "}Body;"
                + "{Element}{" + OASIS + "secext-1.0.xsd}BinarySecurityToken");
        signer.setSecurementSignatureAlgorithm(MORE + (env("KIND").equals("ec") ? "ecdsa-sha256" : "rsa-sha256"));
        signer.setSecurementSignatureDigestAlgorithm("http://www.w3.org/2001/04/xmlenc#sha256");
        if (!NOW.isEmpty()) {
            var config = WSSConfig.getNewInstance();
            config.setCurrentTime(() -> Instant.parse(NOW));
            signer.setWssConfig(config);
        }
        signer.afterPropertiesSet();
        return signer;
    }

    static SSLContext tls() throws Exception {
        KeyStore identity = KeyStore.getInstance(new java.io.File(System.getenv("SIGNING_STORES"), "tls.p12"), PASSWORD);
        KeyManagerFactory keys = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
        keys.init(identity, PASSWORD);
        KeyStore authorities = KeyStore.getInstance(KeyStore.getDefaultType());
        authorities.load(null, null);
        try (var file = new FileInputStream(env("CA"))) {
            for (var authority : CertificateFactory.getInstance("X.509").generateCertificates(file)) {
                authorities.setCertificateEntry("authority" + authorities.size(), authority);
            }
        }
        TrustManagerFactory trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        trust.init(authorities);
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(keys.getKeyManagers(), trust.getTrustManagers(), null);
        return context;
    }

    static String env(String name) {
        return System.getenv("SIGNING_" + name);
    }

    static String question() {
        return "<intf:consultAttributesRequest xmlns:intf=\"" + INTF + "\"><informationCustomer><customerIdentification><cbeNumber>"
                + escaped("CBE") + "</cbeNumber></customerIdentification></informationCustomer><legalContext>"
                + escaped("LEGAL_CONTEXT") + "</legalContext><criteria><ssin>" + escaped("SSIN")
                + "</ssin></criteria></intf:consultAttributesRequest>";
    }

    static String escaped(String name) {
        return System.getenv(name).replace("&", "&amp;").replace("<", "&lt;");
    }

    static Node tree(Source source) throws Exception {
        DOMResult result = new DOMResult();
        TransformerFactory.newInstance().newTransformer().transform(source, result);
        return result.getNode();
    }

    /** Text of the first element with this local name. */
    static String text(Node node, String name) {
        var found = ((Document) node).getElementsByTagNameNS("*", name);
        return found.getLength() == 0 ? "-" : found.item(0).getTextContent();
    }

    /** Sends over connections that keep the bytes of the request. */
    static class KeepingSender extends JdkHttpClientMessageSender {
        final HttpClient client;

        KeepingSender(SSLContext tls) {
            client = HttpClient.newBuilder().sslContext(tls).build();
        }

        @Override
        public WebServiceConnection createConnection(URI address) {
            return new KeepingConnection(client, address);
        }
    }

    /** Writes the bytes of the request to the file; then sends them, or ends the program. */
    static class KeepingConnection extends JdkHttpClientConnection {
        KeepingConnection(HttpClient client, URI address) {
            super(client, address, Duration.ofSeconds(30));
        }

        @Override
        protected void onSendAfterWrite(WebServiceMessage message) throws IOException {
            OutputStream collected = getRequestOutputStream();
            Files.write(Path.of(env("OUT")), ((ByteArrayOutputStream) collected).toByteArray());
            if (!IS_SENT) {
                System.exit(0);
            }
            super.onSendAfterWrite(message);
        }
    }
}
