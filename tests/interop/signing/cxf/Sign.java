import jakarta.xml.soap.SOAPFault;
import jakarta.xml.ws.BindingProvider;
import jakarta.xml.ws.Dispatch;
import jakarta.xml.ws.Service;
import jakarta.xml.ws.soap.SOAPBinding;
import jakarta.xml.ws.soap.SOAPFaultException;
import java.io.ByteArrayOutputStream;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.StringReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import java.time.Instant;
import java.util.Map;
import java.util.Properties;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.TrustManagerFactory;
import javax.xml.namespace.QName;
import javax.xml.transform.Source;
import javax.xml.transform.dom.DOMResult;
import javax.xml.transform.stream.StreamSource;
import javax.xml.transform.TransformerFactory;
import org.apache.cxf.configuration.jsse.TLSClientParameters;
import org.apache.cxf.interceptor.Fault;
import org.apache.cxf.interceptor.StaxOutEndingInterceptor;
import org.apache.cxf.jaxws.DispatchImpl;
import org.apache.cxf.message.Message;
import org.apache.cxf.phase.AbstractPhaseInterceptor;
import org.apache.cxf.phase.Phase;
import org.apache.cxf.transport.http.HTTPConduit;
import org.apache.cxf.ws.security.wss4j.WSS4JOutInterceptor;
import org.apache.wss4j.common.SecurityActionToken;
import org.apache.wss4j.common.ext.WSSecurityException;
import org.apache.wss4j.dom.WSConstants;
import org.apache.wss4j.dom.action.TimestampAction;
import org.apache.wss4j.dom.handler.RequestData;
import org.apache.wss4j.dom.handler.WSHandler;
import org.w3c.dom.Document;
import org.w3c.dom.Node;

/** Signs a request with CXF and WSS4J, and sends it; see ../steps.sh. */
public class Sign {
    static final String INTF = "http://kszbcss.fgov.be/intf/eHealthAttributesService/v1";
    static final String SOAP = "http://schemas.xmlsoap.org/soap/envelope/";
    static final String OASIS = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-";
    static final String MORE = "http://www.w3.org/2001/04/xmldsig-more#";
    static final char[] PASSWORD = "changeit".toCharArray();
    static final boolean IS_SENT = !env("URL").equals("-");
    static final String NOW = System.getenv().getOrDefault("NOW", "");

    public static void main(String[] arguments) throws Exception {
        Service service = Service.create(new QName(INTF, "eHealthAttributesServiceV1"));
        QName port = new QName(INTF, "eHealthAttributesServicePort");
        service.addPort(port, SOAPBinding.SOAP11HTTP_BINDING, IS_SENT ? env("URL") : "https://localhost");
        Dispatch<Source> dispatch = service.createDispatch(port, Source.class, Service.Mode.PAYLOAD);
        Map<String, Object> context = dispatch.getRequestContext();
        context.put(BindingProvider.SOAPACTION_USE_PROPERTY, true);
        context.put(BindingProvider.SOAPACTION_URI_PROPERTY, "http://kszbcss.fgov.be/eHealthAttributesService/consultAttributes");
        // With a generated port, this is ClientProxy.getClient(port).
        var client = ((DispatchImpl<Source>) dispatch).getClient();
        client.getOutInterceptors().add(signer());
        KeepEnding ending = new KeepEnding();
        client.getOutInterceptors().add(new Keep(ending));
        client.getOutInterceptors().add(ending);
        if (IS_SENT) {
            ((HTTPConduit) client.getConduit()).setTlsClientParameters(tls());
        }
        try {
            Node reply = tree(dispatch.invoke(new StreamSource(new StringReader(question()))));
            System.out.println(text(reply, "code"));
        } catch (SOAPFaultException exception) {
            // CXF throws the same for errors of its own. A fault comes with status 500.
            var response = dispatch.getResponseContext();
            if (response == null || !Integer.valueOf(500).equals(response.get(Message.RESPONSE_CODE))) {
                throw exception;
            }
            SOAPFault fault = exception.getFault();
            String reason = fault.getDetail() == null ? "-" : text(fault.getDetail(), "reasonCode");
            System.out.println(fault.getFaultString() + " " + reason);
            System.exit(3);
        }
        System.exit(0);
    }

    /** Signs Timestamp, Body and token with SHA-256. WSS4J's defaults sign the Body alone, with SHA-1. */
    static WSS4JOutInterceptor signer() {
        Properties crypto = new Properties();
        crypto.put("org.apache.wss4j.crypto.provider", "org.apache.wss4j.common.crypto.Merlin");
        crypto.put("org.apache.wss4j.crypto.merlin.keystore.type", "PKCS12");
        crypto.put("org.apache.wss4j.crypto.merlin.keystore.file", System.getenv("SIGNING_STORES") + "/sign.p12");
        crypto.put("org.apache.wss4j.crypto.merlin.keystore.password", "changeit");
        Map<String, Object> settings = new java.util.HashMap<>();
        settings.put("action", "Timestamp Signature");
        settings.put("timeToLive", "300");
        settings.put("signaturePropRefId", "crypto");
        settings.put("crypto", crypto);
        settings.put("user", "identity");
        settings.put("passwordCallbackRef", (javax.security.auth.callback.CallbackHandler) callbacks -> {
            for (var callback : callbacks) {
                ((org.apache.wss4j.common.ext.WSPasswordCallback) callback).setPassword("changeit");
            }
        });
        settings.put("signatureKeyIdentifier", "DirectReference");
        settings.put("signatureParts", "{Element}{" + OASIS + "utility-1.0.xsd}Timestamp;{Element}{" + SOAP + "}Body;"
                + "{Element}{" + OASIS + "secext-1.0.xsd}BinarySecurityToken");
        settings.put("signatureAlgorithm", MORE + (env("KIND").equals("ec") ? "ecdsa-sha256" : "rsa-sha256"));
        settings.put("signatureDigestAlgorithm", "http://www.w3.org/2001/04/xmlenc#sha256");
        if (!NOW.isEmpty()) {
            settings.put(WSS4JOutInterceptor.WSS4J_ACTION_MAP, Map.of(WSConstants.TS, new TimestampAtNow()));
        }
        return new WSS4JOutInterceptor(settings);
    }

    /** Writes NOW into the Timestamp instead of the time of the system. */
    static class TimestampAtNow extends TimestampAction {
        @Override
        public void execute(WSHandler handler, SecurityActionToken token, RequestData data) throws WSSecurityException {
            data.getWssConfig().setCurrentTime(() -> Instant.parse(NOW));
            super.execute(handler, token, data);
        }
    }

    static TLSClientParameters tls() throws Exception {
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
        TLSClientParameters parameters = new TLSClientParameters();
        parameters.setKeyManagers(keys.getKeyManagers());
        parameters.setTrustManagers(trust.getTrustManagers());
        return parameters;
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
        var found = node instanceof Document document ? document.getElementsByTagNameNS("*", name)
                : ((org.w3c.dom.Element) node).getElementsByTagNameNS("*", name);
        return found.getLength() == 0 ? "-" : found.item(0).getTextContent();
    }

    /** Collects the bytes of the request instead of sending them. */
    static class Keep extends AbstractPhaseInterceptor<Message> {
        final KeepEnding ending;

        Keep(KeepEnding ending) {
            super(Phase.PRE_STREAM);
            addBefore("org.apache.cxf.interceptor.StaxOutInterceptor");
            this.ending = ending;
        }

        @Override
        public void handleMessage(Message message) {
            ending.wire = message.getContent(OutputStream.class);
            message.setContent(OutputStream.class, ending.bytes);
        }
    }

    /** Writes the bytes to the file; then sends them, or ends the program. */
    static class KeepEnding extends AbstractPhaseInterceptor<Message> {
        final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        OutputStream wire;

        KeepEnding() {
            super(Phase.PRE_STREAM_ENDING);
            addAfter(StaxOutEndingInterceptor.class.getName());
        }

        @Override
        public void handleMessage(Message message) {
            try {
                Files.write(Path.of(env("OUT")), bytes.toByteArray());
                if (!IS_SENT) {
                    System.exit(0);
                }
                wire.write(bytes.toByteArray());
                message.setContent(OutputStream.class, wire);
            } catch (IOException exception) {
                throw new Fault(exception);
            }
        }
    }
}
