<?php
// Prints the competent prevention service of each person, with SoapClient. See ../README.md.
//
// usage: router.php SSIN...
declare(strict_types=1);

const CONSULT = '/eHealthAttributesService/v1/consult';
const ATTEMPTS = 3;
// A host that drops packets must not block a worker for the two minutes of TCP.
const CONNECT_SECONDS = 5;
// The service answers in milliseconds. 30 s is longer than every queue in it, and shorter than the patience of a user.
const ANSWER_SECONDS = 30;
const LONGEST_WAIT_SECONDS = 30;
const DEFAULT_WAIT_SECONDS = 1;
// Faults of the service itself: the question was not answered, and may be asked again.
const SERVICE_FAULTS = ['MSG00003', 'MSG90053'];
const QUOTA_EXHAUSTED = 'MSG90052';

/** A fault that the same question would get again. */
final class Refused extends Exception
{
}

/** No answer now. `waitSeconds` is null if the router must not ask again at once. */
final class Later extends Exception
{
    public function __construct(string $what, public readonly ?int $waitSeconds = null)
    {
        parent::__construct($what);
    }

    public static function retryable(string $what, ?int $retryAfter = null): self
    {
        return new self($what, min($retryAfter ?? DEFAULT_WAIT_SECONDS, LONGEST_WAIT_SECONDS));
    }
}

final class Settings
{
    public readonly string $url;
    public readonly string $authority;
    public readonly string $certificate;
    public readonly string $key;
    public readonly string $organisation;
    public readonly string $legalContext;
    public readonly string $wsdl;
    public readonly int $answerSeconds;

    public function __construct()
    {
        $this->url = rtrim(self::required('EHEALTH_URL'), '/');
        $this->authority = self::required('EHEALTH_CA');
        $this->certificate = self::required('EHEALTH_CERTIFICATE');
        $this->key = self::required('EHEALTH_KEY');
        $this->organisation = self::required('EHEALTH_ORGANISATION');
        $this->legalContext = self::required('EHEALTH_LEGAL_CONTEXT');
        $this->wsdl = getenv('EHEALTH_WSDL') ?: $this->url . CONSULT . '?wsdl';
        $seconds = filter_var(getenv('EHEALTH_TIMEOUT_SECONDS') ?: ANSWER_SECONDS, FILTER_VALIDATE_INT, ['options' => ['min_range' => 1]]);
        $this->answerSeconds = $seconds ?: throw new InvalidArgumentException('EHEALTH_TIMEOUT_SECONDS is no number of seconds');
    }

    private static function required(string $name): string
    {
        return getenv($name) ?: throw new InvalidArgumentException("$name is not set");
    }
}

final class Attributes
{
    private ?SoapClient $client = null;

    public function __construct(private readonly Settings $settings)
    {
        // The limit of each read. The service sends an answer in one piece, so that this is the limit of the answer.
        ini_set('default_socket_timeout', (string) $settings->answerSeconds);
    }

    /** Reads the WSDL, once. That is a request too, and may fail in the same ways. */
    private function open(): SoapClient
    {
        return $this->client ??= new SoapClient($this->settings->wsdl, [
            // The address of the WSDL is that of its publisher; a WSDL from a file may name another one.
            'location' => $this->settings->url . CONSULT,
            // Of TLS, the client reads only certificate and key in one file here; the context may have two.
            'stream_context' => stream_context_create(['ssl' => [
                'cafile' => $this->settings->authority,
                'local_cert' => $this->settings->certificate,
                'local_pk' => $this->settings->key,
            ]]),
            'connection_timeout' => CONNECT_SECONDS,
            // A list of one element is a list.
            'features' => SOAP_SINGLE_ELEMENT_ARRAYS,
            // On a server, WSDL_CACHE_MEMORY saves a request for each of your own.
            'cache_wsdl' => WSDL_CACHE_NONE,
            // Keeps the headers of the response, for Retry-After.
            'trace' => true,
            'keep_alive' => true,
        ]);
    }

    // [call]
    private function askOnce(string $ssin): object
    {
        $began = hrtime(true);
        try {
            return $this->open()->consultAttributes([
                'informationCustomer' => ['customerIdentification' => ['cbeNumber' => $this->settings->organisation]],
                'legalContext' => $this->settings->legalContext,
                // Without a date, the question is about today in Brussels. A date here is text, YYYY-MM-DD.
                'criteria' => ['ssin' => $ssin],
            ]);
        } catch (SoapFault $fault) {
            throw $this->classify($fault, (hrtime(true) - $began) / 1e9);
        }
    }

    /** What a fault means for the same question. PHP throws faults of its own, too: `HTTP`, `WSDL`, `Client`. */
    private function classify(SoapFault $fault, float $seconds): Exception
    {
        // The code of the service has a prefix, `soap:Client`.
        if (str_contains($fault->faultcode, ':')) {
            // HTTP 500. `faultcode` says only Client or Server; the code to act on is in the detail. Here
            // SOAP_SINGLE_ELEMENT_ARRAYS has no effect: one detail is an object.
            $details = $fault->detail->consultAttributesFault->detail ?? null;
            $code = (is_array($details) ? $details[0] : $details)?->reasonCode;
            $wait = $this->retryAfter();
            if (in_array($code, SERVICE_FAULTS, true) || ($code === QUOTA_EXHAUSTED && $wait !== null)) {
                return Later::retryable($code, $wait);
            }
            return new Refused($code ?? $fault->faultcode);
        }
        if ($seconds >= $this->settings->answerSeconds) {
            // The question may have been answered and recorded. Asking again is safe, but gives a second record.
            return new Later('timeout');
        }
        $noAnswer = ['Could not connect to host', 'Error Fetching http headers', 'SSL Error'];
        if ($fault->faultcode === 'WSDL' || in_array($fault->getMessage(), $noAnswer, true)) {
            return Later::retryable('connection');
        }
        // PHP calls a 503 "Service Unavailable": its number is in the headers alone.
        $headers = $this->client?->__getLastResponseHeaders() ?? '';
        if ($fault->faultcode !== 'HTTP' || !preg_match('~\AHTTP/1\.\d (\d{3})~', $headers, $found)) {
            // An answer that broke off, or that is not of this contract.
            fwrite(STDERR, "router.php: {$fault->getMessage()}\n");
            return new Later('connection');
        }
        $isBusy = in_array($found[1], ['429', '503'], true);
        return $isBusy ? Later::retryable("http $found[1]", $this->retryAfter()) : new Refused("http $found[1]");
    }
    // [/call]

    /** `Retry-After` in seconds, if any; the service sends no dates in it. */
    private function retryAfter(): ?int
    {
        $headers = $this->client?->__getLastResponseHeaders() ?? '';
        return preg_match('/^Retry-After: *(\d{1,9})\s*$/mi', $headers, $found) ? (int) $found[1] : null;
    }

    /** The reply about one person, after at most three attempts. */
    public function ask(string $ssin): object
    {
        for ($attempt = 1;; $attempt++) {
            try {
                return $this->askOnce($ssin);
            } catch (Later $later) {
                if ($later->waitSeconds === null || $attempt === ATTEMPTS) {
                    throw $later;
                }
                sleep($later->waitSeconds);
            }
        }
    }
}

// [route]
/** Value of a named fact of the status. */
function information(object $reply, string $name): ?string
{
    foreach ($reply->status->information ?? [] as $fact) {
        if ($fact->fieldName === $name) {
            return $fact->fieldValue ?? null;
        }
    }
    return null;
}

/** Whether the answer would show an internal service if there was one. */
function knows_internal_services(object $reply): bool
{
    if ($reply->status->code !== 'HAN20200') {
        return true;
    }
    foreach ($reply->sources->source ?? [] as $source) {
        // A source has text and an attribute: the text is `_`.
        if ($source->name === 'federated') {
            return in_array($source->_, ['DATA_FOUND', 'NO_DATA_FOUND'], true);
        }
    }
    return false;
}

/** The competent service of an employment; null if it is not known. */
function competent(object $employment, object $reply): ?object
{
    $services = $employment->preventionService ?? [];
    foreach ($services as $service) {
        if ($service->type === 'INTERNAL') {
            return $service;
        }
    }
    return knows_internal_services($reply) ? ($services[0] ?? null) : null;
}

/** The lines about one person. */
function lines(Attributes $attributes, string $ssin): array
{
    try {
        $reply = $attributes->ask($ssin);
        $replacement = $reply->status->code === 'MSG00006' ? information($reply, 'newSSIN') : null;
        if ($replacement !== null) {
            // The number was replaced. Keep the new one: your next question should use it.
            $reply = $attributes->ask($replacement);
        }
    } catch (Refused $refused) {
        return [[$ssin, 'refused', $refused->getMessage()]];
    } catch (Later $later) {
        return [[$ssin, 'later', $later->getMessage()]];
    }
    $lines = [];
    // Newest first: the service sorts them.
    foreach ($reply->result->employment ?? [] as $employment) {
        $service = competent($employment, $reply);
        $lines[] = $service
            ? [$ssin, 'service', $service->cbeNumber, $service->type, $service->affiliation->beginDate]
            : [$ssin, 'none', $reply->status->code];
    }
    return $lines ?: [[$ssin, 'none', $reply->status->code]];
}
// [/route]

$ssins = array_slice($argv, 1);
try {
    $settings = $ssins ? new Settings() : throw new InvalidArgumentException('give one or more SSINs as arguments');
} catch (InvalidArgumentException $error) {
    fwrite(STDERR, "router.php: {$error->getMessage()}\n");
    exit(2);
}
$attributes = new Attributes($settings);
foreach ($ssins as $ssin) {
    foreach (lines($attributes, $ssin) as $line) {
        echo implode("\t", $line), "\n";
    }
}
