import be.fgov.kszbcss.intf.TestConnectionServiceService.v1.TestConnectionServicePortType;
import be.fgov.kszbcss.intf.TestConnectionServiceService.v1.TestConnectionServiceServiceLocator;
import be.fgov.kszbcss.intf.eHealthAttributesService.v1.EHealthAttributesPortType;
import be.fgov.kszbcss.intf.eHealthAttributesService.v1.EHealthAttributesServiceV1Locator;
import be.fgov.kszbcss.types.TestConnectionService.v1.SendTestMessageRequestType;
import be.fgov.kszbcss.types.common.v3.CBSSFaultType;
import be.fgov.kszbcss.types.common.v3.InformationCustomerType;
import be.fgov.kszbcss.types.common.v3.OpenPeriodType;
import be.fgov.kszbcss.types.common.v3.OrganizationIdentificationType;
import be.fgov.kszbcss.types.common.v3.PeriodType;
import be.fgov.kszbcss.types.eHealthAttributes.v1.AnnotatedSsinType;
import be.fgov.kszbcss.types.eHealthAttributes.v1.ConsultAttributesReplyType;
import be.fgov.kszbcss.types.eHealthAttributes.v1.ConsultAttributesRequestType;
import be.fgov.kszbcss.types.eHealthAttributes.v1.CriteriaType;
import be.fgov.kszbcss.types.eHealthAttributes.v1.EmploymentType;
import be.fgov.kszbcss.types.eHealthAttributes.v1.PreventionServiceType;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.net.URL;
import java.nio.charset.StandardCharsets;
import java.text.ParseException;
import java.text.SimpleDateFormat;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Date;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.axis.description.ElementDesc;

/**
 * Asks the questions of one caller with the classes that WSDL2Java makes; see ../steps.sh. The
 * identity comes from the properties javax.net.ssl.*, which hold for the whole process.
 */
public final class Ask {
    private static final String SERVICE = System.getenv("INTEROP_URL");

    public static void main(String[] arguments) throws Exception {
        omitUnusedIdentification();
        EHealthAttributesPortType attributes = new EHealthAttributesServiceV1Locator()
            .geteHealthAttributesServicePort(new URL(SERVICE + "/eHealthAttributesService/v1/consult"));
        TestConnectionServicePortType connection = new TestConnectionServiceServiceLocator()
            .getTestConnectionServiceService(new URL(SERVICE + "/TestConnectionServiceService/sendTestMessage"));
        var lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            System.out.println(ask(attributes, connection, line.split("\t")));
        }
    }

    /**
     * WSDL2Java reads a sequence inside a choice as required elements: without this, `sector` and
     * `institution` are sent beside `cbeNumber`, and the service refuses the request (MSG90041).
     */
    private static void omitUnusedIdentification() {
        for (String field : List.of("sector", "institution")) {
            ((ElementDesc) OrganizationIdentificationType.getTypeDesc().getFieldByName(field)).setMinOccurs(0);
        }
    }

    private static String ask(EHealthAttributesPortType attributes, TestConnectionServicePortType connection, String[] fields)
            throws Exception {
        String name = fields[0];
        if (fields[3].equals("-")) {
            var test = new SendTestMessageRequestType();
            test.setEcho(name);
            return String.join("\t", name, "ECHO", connection.sendTestMessage(test).getEcho(), "", "");
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
        } catch (ParseException noSuchDay) {
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
            ConsultAttributesReplyType reply = attributes.consultAttributes(request);
            return String.join("\t", name, reply.getStatus().getCode(), disclosed(reply), person(reply), sources(reply));
        } catch (CBSSFaultType fault) {
            return String.join("\t", name, fault.getDetail()[0].getReasonCode(), "", "", "");
        }
    }

    private static SimpleDateFormat days() {
        var format = new SimpleDateFormat("yyyy-MM-dd");
        format.setLenient(false);
        return format;
    }

    private static Date date(String text) throws ParseException {
        return days().parse(text);
    }

    private static String period(OpenPeriodType period) {
        String end = period.getEndDate() == null ? "" : days().format(period.getEndDate());
        return "[" + days().format(period.getBeginDate()) + ".." + end + "]";
    }

    private static <T> Stream<T> several(T[] elements) {
        return elements == null ? Stream.empty() : Arrays.stream(elements);
    }

    private static String disclosed(ConsultAttributesReplyType reply) {
        if (reply.getResult() == null) {
            return "";
        }
        List<String> filtered = several(reply.getDataFilters()).toList();
        List<String> parts = new ArrayList<>();
        for (EmploymentType employment : several(reply.getResult().getEmployment()).toList()) {
            String text = employment.getEmployer() == null ? "" : employment.getEmployer().getCbeNumber();
            text += employment.getPeriod() == null ? "" : period(employment.getPeriod());
            if (!filtered.contains("employment/preventionService/cbeNumber")) {
                text += several(employment.getPreventionService()).map(Ask::service)
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
            return annotated.get_value() + ">" + annotated.getReplacedBy();
        }
        return reply.getResult() == null ? "" : reply.getResult().getSsin();
    }

    private static String sources(ConsultAttributesReplyType reply) {
        return several(reply.getSources()).map(source -> source.getName().getValue() + " " + source.getValue())
            .collect(Collectors.joining(", "));
    }

    private static String service(PreventionServiceType service) {
        return service.getType().getValue() + " " + service.getCbeNumber() + period(service.getAffiliation());
    }
}
