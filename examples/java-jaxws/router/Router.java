package router;

import be.fgov.kszbcss.types.common.v3.InformationType;
import be.fgov.kszbcss.types.ehealthattributes.v1.ConsultAttributesReplyType;
import be.fgov.kszbcss.types.ehealthattributes.v1.EmploymentType;
import be.fgov.kszbcss.types.ehealthattributes.v1.PreventionServiceType;
import be.fgov.kszbcss.types.ehealthattributes.v1.PreventionServiceTypeCode;
import be.fgov.kszbcss.types.ehealthattributes.v1.SourceNameType;
import be.fgov.kszbcss.types.ehealthattributes.v1.SourceStatusType;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** Prints the prevention service that is competent for each person. See ../README.md. */
public final class Router {
    /** Attempts to get one answer, the first included. */
    private static final int ATTEMPTS = 3;

    /** Runs the calls, so that the router can stop to wait for one. */
    private static final ExecutorService CALLS = Executors.newCachedThreadPool();

    private final AttributesService service;
    private final Duration timeout;

    private Router(Settings settings) {
        service = new AttributesService(settings);
        timeout = settings.timeout();
    }

    /** Takes SSINs, and prints at least one line for each. Fields are separated by tabs. */
    public static void main(String[] ssins) throws Exception {
        Settings settings = null;
        try {
            checkArguments(ssins);
            settings = Settings.read(System.getenv());
        } catch (IllegalArgumentException wrong) {
            System.err.println("router: " + wrong.getMessage());
            System.exit(2);
        }
        var router = new Router(settings);
        for (String ssin : ssins) {
            for (String line : router.lines(ssin)) {
                System.out.println(ssin + "\t" + line);
            }
        }
        // A thread may still wait for an answer that came too late.
        System.exit(0);
    }

    /** Checks what would break the request or the line. The service checks the SSIN itself (MSG00011). */
    private static void checkArguments(String[] ssins) {
        if (ssins.length == 0) {
            throw new IllegalArgumentException("give one or more SSINs as arguments");
        }
        for (String ssin : ssins) {
            if (ssin.isBlank() || ssin.chars().anyMatch(Character::isISOControl)) {
                throw new IllegalArgumentException("an SSIN is empty or has a control character");
            }
        }
    }

    /** The lines about one person, without the SSIN. */
    private List<String> lines(String ssin) throws InterruptedException {
        try {
            ConsultAttributesReplyType reply = ask(ssin);
            String replacement = newSsin(reply);
            // The number was replaced. Keep the new one: your next question should use it.
            return route(replacement == null ? reply : ask(replacement));
        } catch (Unanswered unanswered) {
            return List.of(unanswered.line());
        }
    }

    /** The number that replaced the one asked, with MSG00006; otherwise null. */
    private static String newSsin(ConsultAttributesReplyType reply) {
        if (!reply.getStatus().getCode().equals("MSG00006")) {
            return null;
        }
        return reply.getStatus().getInformation().stream()
            .filter(information -> information.getFieldName().equals("newSSIN"))
            .map(InformationType::getFieldValue)
            .findFirst().orElse(null);
    }

    // [retry]
    /** Asks at most three times. Asking again is safe, but each answer is recorded: see what Unanswered retries. */
    private ConsultAttributesReplyType ask(String ssin) throws Unanswered, InterruptedException {
        for (int attempt = 1;; attempt++) {
            try {
                return askInTime(ssin);
            } catch (Unanswered unanswered) {
                System.err.println("attempt " + attempt + ": " + unanswered.explanation());
                if (attempt == ATTEMPTS || !unanswered.isRetried()) {
                    throw unanswered;
                }
                Thread.sleep(unanswered.pause().toMillis());
            }
        }
    }

    /**
     * Bounds the time of the whole answer. A read timeout of an HTTP client does not: it ends with the first byte of
     * the answer, or starts again with each.
     */
    private ConsultAttributesReplyType askInTime(String ssin) throws Unanswered, InterruptedException {
        Future<ConsultAttributesReplyType> call = CALLS.submit(() -> service.ask(ssin));
        try {
            return call.get(timeout.toMillis(), TimeUnit.MILLISECONDS);
        } catch (TimeoutException late) {
            call.cancel(true);
            throw Unanswered.timeout(late);
        } catch (ExecutionException failed) {
            if (failed.getCause() instanceof Unanswered unanswered) {
                throw unanswered;
            }
            throw new IllegalStateException("A defect of the router", failed.getCause());
        }
    }
    // [/retry]

    // [route]
    /** One line for each employment; the service sorts them, newest first. */
    private static List<String> route(ConsultAttributesReplyType reply) {
        String none = "none\t" + reply.getStatus().getCode();
        if (reply.getResult() == null || reply.getResult().getEmployment().isEmpty()) {
            return List.of(none);
        }
        List<String> lines = new ArrayList<>();
        for (EmploymentType employment : reply.getResult().getEmployment()) {
            PreventionServiceType competent = competent(employment, knowsInternalServices(reply));
            lines.add(competent == null ? none : line(competent));
        }
        return lines;
    }

    /** The internal service if there is one. An external one only if the answer would show an internal one. */
    private static PreventionServiceType competent(EmploymentType employment, boolean knowsInternalServices) {
        List<PreventionServiceType> services = employment.getPreventionService();
        for (PreventionServiceType service : services) {
            if (service.getType() == PreventionServiceTypeCode.INTERNAL) {
                return service;
            }
        }
        return knowsInternalServices && !services.isEmpty() ? services.get(0) : null;
    }

    /** With HAN20200 a dataset is missing or stale. Internal services come from the source "federated". */
    private static boolean knowsInternalServices(ConsultAttributesReplyType reply) {
        if (!reply.getStatus().getCode().equals("HAN20200")) {
            return true;
        }
        return reply.getSources() != null && reply.getSources().getSource().stream()
            .filter(source -> source.getName() == SourceNameType.FEDERATED)
            .anyMatch(source -> source.getValue() == SourceStatusType.DATA_FOUND
                || source.getValue() == SourceStatusType.NO_DATA_FOUND);
    }

    private static String line(PreventionServiceType service) {
        // A grant can leave the period out. A date is a calendar day without a time zone: keep it as text or as a
        // LocalDate. As a java.util.Date or an Instant it becomes the day before in some zones.
        String begin = service.getAffiliation() == null ? "" : service.getAffiliation().getBeginDate().toXMLFormat();
        String type = service.getType() == null ? "" : service.getType().value();
        return String.join("\t", "service", service.getCbeNumber(), type, begin);
    }
    // [/route]
}
