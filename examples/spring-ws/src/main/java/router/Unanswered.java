package router;

import java.net.ConnectException;
import java.time.Duration;

/** An attempt without an answer: what happened, and what to do. The message is what follows on the line. */
final class Unanswered extends Exception {
    private static final long serialVersionUID = 1;

    /** What to do with the question. */
    private enum Remedy {
        /** Ask again, after a pause. */
        RETRY,
        /** Ask again much later. */
        LATER,
        /** Remove the cause. */
        CORRECT
    }

    /** Pause if the service names none. */
    private static final Duration PAUSE = Duration.ofSeconds(1);

    /** Longest pause: a quota can be exhausted for hours. */
    private static final Duration LONGEST_PAUSE = Duration.ofSeconds(30);

    private final Remedy remedy;
    private final transient Duration pause;

    private Unanswered(String what, Remedy remedy, Duration pause, Throwable cause) {
        super(what, cause);
        this.remedy = remedy;
        this.pause = pause;
    }

    // [remedy]
    /** A fault. Act on its {@code reasonCode}; without a detail, on its {@code faultcode}. */
    static Unanswered fault(String reasonCode, String retryAfter, Throwable cause) {
        Remedy remedy = switch (reasonCode) {
            // The service could not read its data, or could not record the exchange. It did not answer.
            case "MSG00003", "MSG90053" -> Remedy.RETRY;
            // The quota is exhausted. The service says for how long.
            case "MSG90052" -> retryAfter == null ? Remedy.CORRECT : Remedy.RETRY;
            default -> Remedy.CORRECT;
        };
        return new Unanswered(reasonCode, remedy, pause(retryAfter), cause);
    }

    /** An HTTP status without a SOAP message. 503 and 429: too many requests. */
    static Unanswered http(int status, String retryAfter, Throwable cause) {
        Remedy remedy = status == 503 || status == 429 ? Remedy.RETRY : Remedy.CORRECT;
        return new Unanswered("http " + status, remedy, pause(retryAfter), cause);
    }

    /** The time limit passed. The service may have answered and recorded the question. */
    static Unanswered timeout(Throwable cause) {
        return new Unanswered("timeout", Remedy.LATER, PAUSE, cause);
    }

    /** No connection, or it was lost before the first byte of an answer. */
    static Unanswered connection(Throwable cause) {
        return new Unanswered("connection", Remedy.RETRY, PAUSE, cause);
    }

    /** A wrong certificate on one of the two sides, or an answer that broke off or cannot be read. */
    static Unanswered broken(Throwable cause) {
        return new Unanswered("connection", Remedy.LATER, PAUSE, cause);
    }
    // [/remedy]

    /** Reads a {@code Retry-After}, which is in seconds. */
    private static Duration pause(String retryAfter) {
        if (retryAfter == null || !retryAfter.matches("[0-9]{1,9}")) {
            return PAUSE;
        }
        Duration pause = Duration.ofSeconds(Long.parseLong(retryAfter));
        return pause.compareTo(LONGEST_PAUSE) > 0 ? LONGEST_PAUSE : pause;
    }

    boolean isRetried() {
        return remedy == Remedy.RETRY;
    }

    Duration pause() {
        return pause;
    }

    /** What happened and its first cause, for the log. Faults and exceptions have no data of a person. */
    String explanation() {
        Throwable first = this;
        while (first.getCause() != null && !(first instanceof ConnectException)) {
            first = first.getCause();
        }
        return first == this ? getMessage() : getMessage() + ": " + first;
    }

    /** The line of the router. */
    String line() {
        return (remedy == Remedy.CORRECT ? "refused\t" : "later\t") + getMessage();
    }
}
