import be.fgov.kszbcss.intf.ehealthattributesservice.v1.ConsultAttributesFaultMsg;
import be.fgov.kszbcss.intf.ehealthattributesservice.v1.EHealthAttributesPortType;
import be.fgov.kszbcss.intf.ehealthattributesservice.v1.EHealthAttributesServiceV1;
import be.fgov.kszbcss.intf.testconnectionserviceservice.v1.TestConnectionServicePortType;
import be.fgov.kszbcss.intf.testconnectionserviceservice.v1.TestConnectionServiceService;
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
import jakarta.xml.ws.BindingProvider;
import java.io.BufferedReader;
import java.io.FileInputStream;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.TrustManagerFactory;
import javax.xml.datatype.DatatypeFactory;
import javax.xml.datatype.XMLGregorianCalendar;
import org.apache.cxf.configuration.jsse.TLSClientParameters;
import org.apache.cxf.frontend.ClientProxy;
import org.apache.cxf.transport.http.HTTPConduit;

/** Asks the questions of standard input with the classes that the code generator of Apache CXF makes; see ../steps.sh. */
public final class Ask {
    /** Both services, as one caller reaches them. */
    private record Caller(EHealthAttributesPortType attributes, TestConnectionServicePortType connection) {}

    private static final String URL = System.getenv("INTEROP_URL");

    public static void main(String[] arguments) throws Exception {
        var contract = new java.io.File(arguments[0]);
        var attributes = new EHealthAttributesServiceV1(new java.io.File(contract, "consult.wsdl").toURI().toURL());
        var connection = new TestConnectionServiceService(new java.io.File(contract, "test.wsdl").toURI().toURL());
        Map<String, Caller> callers = new HashMap<>();
        var lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            String[] fields = line.split("\t");
            if (!callers.containsKey(fields[1])) {
                TLSClientParameters tls = tlsOf(fields[1]);
                callers.put(fields[1], new Caller(
                    connect(attributes.getEHealthAttributesServicePort(), tls,
                        "/eHealthAttributesService/v1/consult"),
                    connect(connection.getTestConnectionServiceService(), tls,
                        "/TestConnectionServiceService/sendTestMessage")));
            }
            System.out.println(ask(callers.get(fields[1]), fields));
        }
    }

    private static TLSClientParameters tlsOf(String word) throws Exception {
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
        var parameters = new TLSClientParameters();
        parameters.setKeyManagers(keys.getKeyManagers());
        parameters.setTrustManagers(trust.getTrustManagers());
        return parameters;
    }

    private static <P> P connect(P port, TLSClientParameters tls, String path) {
        Map<String, Object> context = ((BindingProvider) port).getRequestContext();
        context.put(BindingProvider.ENDPOINT_ADDRESS_PROPERTY, URL + path);
        // The contract's schemas validate every answer. The service validates the requests.
        context.put("schema-validation-enabled", "IN");
        ((HTTPConduit) ClientProxy.getClient(port).getConduit()).setTlsClientParameters(tls);
        return port;
    }

    private static String ask(Caller caller, String[] fields) throws Exception {
        String name = fields[0];
        if (fields[3].equals("-")) {
            var test = new SendTestMessageRequestType();
            test.setEcho(name);
            return String.join("\t", name, "ECHO", caller.connection().sendTestMessage(test).getEcho(), "", "");
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
        try {
            ConsultAttributesReplyType reply = caller.attributes().consultAttributes(request);
            return String.join("\t", name, reply.getStatus().getCode(), disclosed(reply), person(reply), sources(reply));
        } catch (ConsultAttributesFaultMsg fault) {
            return String.join("\t", name, fault.getFaultInfo().getDetail().get(0).getReasonCode(), "", "", "");
        }
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
