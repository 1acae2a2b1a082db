import be.fgov.kszbcss.types.common.v3.CBSSFaultType;
import be.fgov.kszbcss.types.common.v3.InformationCustomerType;
import be.fgov.kszbcss.types.common.v3.OpenPeriodType;
import be.fgov.kszbcss.types.common.v3.OrganizationIdentificationType;
import be.fgov.kszbcss.types.common.v3.PeriodType;
import be.fgov.kszbcss.types.ehealthattributes.v1.AnnotatedSsinType;
import be.fgov.kszbcss.types.ehealthattributes.v1.ConsultAttributesReplyType;
import be.fgov.kszbcss.types.ehealthattributes.v1.ConsultAttributesRequestType;
import be.fgov.kszbcss.types.ehealthattributes.v1.CriteriaType;
import be.fgov.kszbcss.types.ehealthattributes.v1.EmploymentType;
import be.fgov.kszbcss.types.testconnectionservice.v1.SendTestMessageRequestType;
import be.fgov.kszbcss.types.testconnectionservice.v1.SendTestMessageResponseType;
import jakarta.xml.bind.JAXBElement;
import java.io.BufferedReader;
import java.io.File;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.net.http.HttpClient;
import java.nio.charset.StandardCharsets;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;
import javax.xml.datatype.DatatypeFactory;
import javax.xml.datatype.XMLGregorianCalendar;
import javax.xml.parsers.DocumentBuilderFactory;
import javax.xml.transform.TransformerFactory;
import javax.xml.transform.dom.DOMSource;
import javax.xml.transform.stream.StreamResult;
import org.springframework.core.io.FileSystemResource;
import org.springframework.core.io.Resource;
import org.springframework.oxm.jaxb.Jaxb2Marshaller;
import org.springframework.ws.client.core.WebServiceTemplate;
import org.springframework.ws.client.support.interceptor.ClientInterceptor;
import org.springframework.ws.client.support.interceptor.PayloadValidatingInterceptor;
import org.springframework.ws.client.support.interceptor.WebServiceValidationException;
import org.springframework.ws.context.MessageContext;
import org.springframework.ws.soap.client.SoapFaultClientException;
import org.springframework.ws.soap.client.core.SoapActionCallback;
import org.springframework.ws.transport.http.JdkHttpClientMessageSender;
import org.w3c.dom.Element;
import org.w3c.dom.Node;
import org.xml.sax.SAXParseException;

/** Asks the questions of standard input with Spring-WS and the classes that xjc makes; see ../steps.sh. */
public final class Ask {
    /** Both services, as one caller reaches them. */
    private record Caller(WebServiceTemplate attributes, WebServiceTemplate connection) {}

    private static final String URL = System.getenv("INTEROP_URL");
    private static final String CONSULT = "http://kszbcss.fgov.be/eHealthAttributesService/consultAttributes";
    private static final String TEST = "http://kszbcss.fgov.be/TestConnectionServiceService/sendTestMessage";
    private static final String SCHEMA = "http://www.w3.org/2001/XMLSchema";
    private static final String DECLARATION = "http://www.w3.org/2000/xmlns/";

    /** Reads and writes the messages of both services. */
    private static final Jaxb2Marshaller MESSAGES = new Jaxb2Marshaller();

    public static void main(String[] arguments) throws Exception {
        MESSAGES.setContextPaths("be.fgov.kszbcss.intf.ehealthattributesservice.v1",
            "be.fgov.kszbcss.intf.testconnectionserviceservice.v1");
        MESSAGES.afterPropertiesSet();
        var attributes = validator(new File(arguments[0], "consult.wsdl"));
        var connection = validator(new File(arguments[0], "test.wsdl"));
        Map<String, Caller> callers = new HashMap<>();
        var lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            String[] fields = line.split("\t");
            if (!callers.containsKey(fields[1])) {
                var http = HttpClient.newBuilder().sslContext(tlsOf(fields[1])).build();
                callers.put(fields[1], new Caller(
                    connect(attributes, http, "/eHealthAttributesService/v1/consult"),
                    connect(connection, http, "/TestConnectionServiceService/sendTestMessage")));
            }
            System.out.println(ask(callers.get(fields[1]), fields));
        }
    }

    /** Validates every answer with the schemas of a WSDL. The service validates the requests. */
    private static PayloadValidatingInterceptor validator(File wsdl) throws Exception {
        // On its own, the interceptor logs the errors of a response, and the template returns the response.
        var validator = new PayloadValidatingInterceptor() {
            @Override
            protected boolean handleResponseValidationErrors(MessageContext context, SAXParseException[] errors) {
                throw new WebServiceValidationException(errors);
            }
        };
        validator.setSchemas(schemas(wsdl));
        validator.setValidateRequest(false);
        validator.setValidateResponse(true);
        validator.afterPropertiesSet();
        return validator;
    }

    /** Writes the schemas inside a WSDL to files beside it, where what they import is found. */
    private static Resource[] schemas(File wsdl) throws Exception {
        var factory = DocumentBuilderFactory.newInstance();
        factory.setNamespaceAware(true);
        var definitions = factory.newDocumentBuilder().parse(wsdl).getDocumentElement();
        var found = definitions.getElementsByTagNameNS(SCHEMA, "schema");
        var schemas = new Resource[found.getLength()];
        for (int place = 0; place < schemas.length; place++) {
            var schema = (Element) found.item(place);
            declare(schema, definitions);
            var file = new File(wsdl.getPath() + "." + place + ".xsd");
            TransformerFactory.newInstance().newTransformer().transform(new DOMSource(schema), new StreamResult(file));
            schemas[place] = new FileSystemResource(file);
        }
        return schemas;
    }

    /** Declares the prefixes of the WSDL in a schema too: names inside attribute values have them. */
    private static void declare(Element schema, Element definitions) {
        var attributes = definitions.getAttributes();
        for (int place = 0; place < attributes.getLength(); place++) {
            Node attribute = attributes.item(place);
            if (DECLARATION.equals(attribute.getNamespaceURI()) && !schema.hasAttribute(attribute.getNodeName())) {
                schema.setAttributeNS(DECLARATION, attribute.getNodeName(), attribute.getNodeValue());
            }
        }
    }

    private static SSLContext tlsOf(String word) throws Exception {
        char[] password = "changeit".toCharArray();
        KeyStore identity = KeyStore.getInstance("PKCS12");
        try (InputStream file = new FileInputStream(System.getenv("INTEROP_IDENTITIES") + "/" + word + ".p12")) {
            identity.load(file, password);
        }
        KeyStore authorities = KeyStore.getInstance("PKCS12");
        authorities.load(null, null);
        try (InputStream file = new FileInputStream(System.getenv("INTEROP_CA"))) {
            authorities.setCertificateEntry("ca", CertificateFactory.getInstance("X.509").generateCertificate(file));
        }
        var keys = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
        keys.init(identity, password);
        var trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        trust.init(authorities);
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(keys.getKeyManagers(), trust.getTrustManagers(), null);
        return context;
    }

    private static WebServiceTemplate connect(ClientInterceptor validator, HttpClient http, String path) {
        var template = new WebServiceTemplate(MESSAGES);
        template.setDefaultUri(URL + path);
        template.setMessageSender(new JdkHttpClientMessageSender(http));
        template.setInterceptors(new ClientInterceptor[] {validator});
        return template;
    }

    /** Sends the request and returns the content of the response. */
    private static <T> T send(WebServiceTemplate template, JAXBElement<?> request, String action, Class<T> type) {
        var response = (JAXBElement<?>) template.marshalSendAndReceive(request, new SoapActionCallback(action));
        return type.cast(response.getValue());
    }

    private static String ask(Caller caller, String[] fields) throws Exception {
        String name = fields[0];
        if (fields[3].equals("-")) {
            var test = new SendTestMessageRequestType();
            test.setEcho(name);
            var request = new be.fgov.kszbcss.intf.testconnectionserviceservice.v1.ObjectFactory()
                .createSendTestMessageRequest(test);
            var answer = send(caller.connection(), request, TEST, SendTestMessageResponseType.class);
            return String.join("\t", name, "ECHO", answer.getEcho(), "", "");
        }
        var criteria = new CriteriaType();
        criteria.setSsin(fields[4]);
        try {
            if (!fields[6].equals("-")) {
                var period = new PeriodType();
                period.setBeginDate(date(fields[5]));
                period.setEndDate(date(fields[6]));
                criteria.setPeriod(period);
            } else if (!fields[5].equals("-")) {
                criteria.setReferenceDate(date(fields[5]));
            }
        } catch (IllegalArgumentException noSuchDay) {
            return String.join("\t", name, "-", "", "", "");
        }
        var organisation = new OrganizationIdentificationType();
        organisation.setCbeNumber(fields[2]);
        var customer = new InformationCustomerType();
        customer.setTicket(name);
        customer.setCustomerIdentification(organisation);
        var request = new ConsultAttributesRequestType();
        request.setInformationCustomer(customer);
        request.setLegalContext(fields[3]);
        request.setCriteria(criteria);
        var message = new be.fgov.kszbcss.intf.ehealthattributesservice.v1.ObjectFactory()
            .createConsultAttributesRequest(request);
        try {
            var reply = send(caller.attributes(), message, CONSULT, ConsultAttributesReplyType.class);
            return String.join("\t", name, reply.getStatus().getCode(), disclosed(reply), person(reply), sources(reply));
        } catch (SoapFaultClientException fault) {
            return String.join("\t", name, reasonOf(fault), "", "", "");
        }
    }

    /** The reason of a fault, from its typed detail. */
    private static String reasonOf(SoapFaultClientException fault) throws IOException {
        var entry = fault.getSoapFault().getFaultDetail().getDetailEntries().next();
        var detail = (JAXBElement<?>) MESSAGES.unmarshal(entry.getSource());
        return ((CBSSFaultType) detail.getValue()).getDetail().get(0).getReasonCode();
    }

    private static XMLGregorianCalendar date(String text) throws Exception {
        return DatatypeFactory.newInstance().newXMLGregorianCalendar(text);
    }

    private static String days(OpenPeriodType period) {
        return "[" + period.getBeginDate() + ".." + (period.getEndDate() == null ? "" : period.getEndDate()) + "]";
    }

    private static String disclosed(ConsultAttributesReplyType reply) {
        if (reply.getResult() == null) {
            return "";
        }
        List<String> filtered = reply.getDataFilters() == null ? List.of() : reply.getDataFilters().getFilteredElement();
        List<String> parts = new ArrayList<>();
        for (EmploymentType employment : reply.getResult().getEmployment()) {
            String text = employment.getEmployer() == null ? "" : employment.getEmployer().getCbeNumber();
            text += employment.getPeriod() == null ? "" : days(employment.getPeriod());
            if (!filtered.contains("employment/preventionService/cbeNumber")) {
                text += employment.getPreventionService().stream()
                    .map(service -> service.getType() + " " + service.getCbeNumber() + days(service.getAffiliation()))
                    .collect(Collectors.joining(", ", "{", "}"));
            }
            parts.add(text);
        }
        if (reply.getResult().getHealthInsuranceFund() != null) {
            parts.add("fund " + reply.getResult().getHealthInsuranceFund().getCbeNumber());
        }
        return String.join("; ", parts);
    }

    private static String person(ConsultAttributesReplyType reply) {
        AnnotatedSsinType annotated = reply.getSsin();
        if (annotated != null && annotated.getReplacedBy() != null) {
            return annotated.getValue() + ">" + annotated.getReplacedBy();
        }
        return reply.getResult() == null ? "" : reply.getResult().getSsin();
    }

    private static String sources(ConsultAttributesReplyType reply) {
        if (reply.getSources() == null) {
            return "";
        }
        return reply.getSources().getSource().stream()
            .map(source -> source.getName().value() + " " + source.getValue().value())
            .collect(Collectors.joining(", "));
    }
}
