<?php
// Signs a request with DOMDocument and OpenSSL, and sends it; see ../steps.sh.
declare(strict_types=1);

const SOAP = 'http://schemas.xmlsoap.org/soap/envelope/';
const INTF = 'http://kszbcss.fgov.be/intf/eHealthAttributesService/v1';
const OASIS = 'http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss';
const SECEXT = OASIS . '-wssecurity-secext-1.0.xsd';
const UTILITY = OASIS . '-wssecurity-utility-1.0.xsd';
const X509 = OASIS . '-x509-token-profile-1.0#X509v3';
const BASE64 = OASIS . '-soap-message-security-1.0#Base64Binary';
const DSIG = 'http://www.w3.org/2000/09/xmldsig#';
const EXCLUSIVE = 'http://www.w3.org/2001/10/xml-exc-c14n#';
const SHA256 = 'http://www.w3.org/2001/04/xmlenc#sha256';
const METHOD = 'http://www.w3.org/2001/04/xmldsig-more#';

/** Appends an element with attributes and, if any, text. */
function add(DOMNode $parent, string $namespace, string $name, array $attributes = [], string $text = ''): DOMElement
{
    $element = ($parent->ownerDocument ?? $parent)->createElementNS($namespace, $name);
    foreach ($attributes as $attribute => $value) {
        // An identifier is wsu:Id; every other attribute has no namespace.
        $attribute === 'wsu:Id' ? $element->setAttributeNS(UTILITY, $attribute, $value) : $element->setAttribute($attribute, $value);
    }
    if ($text !== '') {
        $element->appendChild(new DOMText($text)); // escapes & and <, which createElement does not
    }
    return $parent->appendChild($element);
}

/** A new identifier: with fixed ones, two equal requests in one second have one signature, which is a replay. */
function identifier(): string
{
    return 'id-' . bin2hex(random_bytes(16));
}

/** Exclusive canonical form without comments, in the document in which the element is sent. */
function canonical(DOMElement $element): string
{
    return $element->C14N(true, false);
}

/** An ECDSA signature as r and s of 32 bytes each, from DER. */
function raw_ecdsa(string $der): string
{
    // SEQUENCE { INTEGER r, INTEGER s }; with P-256 every length is one byte.
    $length = ord($der[3]);
    $r = substr($der, 4, $length);
    $s = substr($der, 6 + $length, ord($der[5 + $length]));
    $fixed = fn (string $number): string => str_pad(ltrim($number, "\0"), 32, "\0", STR_PAD_LEFT);
    return $fixed($r) . $fixed($s);
}

/** The request, signed; the caller must send these bytes unchanged. */
function signed_request(array $question, string $certificate, string $key, DateTimeImmutable $now): string
{
    $document = new DOMDocument('1.0', 'UTF-8');
    $envelope = add($document, SOAP, 'soap:Envelope');
    $header = add($envelope, SOAP, 'soap:Header');
    $body = add($envelope, SOAP, 'soap:Body', ['wsu:Id' => identifier()]);
    $request = add($body, INTF, 'intf:consultAttributesRequest');
    $customer = add(add($request, '', 'informationCustomer'), '', 'customerIdentification');
    add($customer, '', 'cbeNumber', [], $question['cbe']);
    add($request, '', 'legalContext', [], $question['legalContext']);
    add(add($request, '', 'criteria'), '', 'ssin', [], $question['ssin']);

    $security = add($header, SECEXT, 'wsse:Security');
    $security->setAttributeNS(SOAP, 'soap:mustUnderstand', '1');
    openssl_x509_export($certificate, $pem) || throw new Exception('the certificate is unreadable');
    $token = add($security, SECEXT, 'wsse:BinarySecurityToken',
        ['wsu:Id' => identifier(), 'ValueType' => X509, 'EncodingType' => BASE64], preg_replace('/-----.*-----|\s/', '', $pem));
    $utc = $now->setTimezone(new DateTimeZone('UTC'));
    $timestamp = add($security, UTILITY, 'wsu:Timestamp', ['wsu:Id' => identifier()]);
    add($timestamp, UTILITY, 'wsu:Created', [], $utc->format('Y-m-d\TH:i:s\Z'));
    add($timestamp, UTILITY, 'wsu:Expires', [], $utc->modify('+5 minutes')->format('Y-m-d\TH:i:s\Z'));

    $private = openssl_pkey_get_private($key) ?: throw new Exception('the key is unreadable');
    $is_rsa = openssl_pkey_get_details($private)['type'] === OPENSSL_KEYTYPE_RSA;
    $signature = add($security, DSIG, 'ds:Signature');
    $info = add($signature, DSIG, 'ds:SignedInfo');
    add($info, DSIG, 'ds:CanonicalizationMethod', ['Algorithm' => EXCLUSIVE]);
    add($info, DSIG, 'ds:SignatureMethod', ['Algorithm' => METHOD . ($is_rsa ? 'rsa-sha256' : 'ecdsa-sha256')]);
    foreach ([$body, $timestamp, $token] as $element) {
        $uri = '#' . $element->getAttributeNS(UTILITY, 'Id');
        $reference = add($info, DSIG, 'ds:Reference', ['URI' => $uri]);
        add(add($reference, DSIG, 'ds:Transforms'), DSIG, 'ds:Transform', ['Algorithm' => EXCLUSIVE]);
        add($reference, DSIG, 'ds:DigestMethod', ['Algorithm' => SHA256]);
        add($reference, DSIG, 'ds:DigestValue', [], base64_encode(hash('sha256', canonical($element), true)));
    }
    openssl_sign(canonical($info), $value, $private, OPENSSL_ALGO_SHA256) || throw new Exception(openssl_error_string());
    add($signature, DSIG, 'ds:SignatureValue', [], base64_encode($is_rsa ? $value : raw_ecdsa($value)));
    $direct = add(add($signature, DSIG, 'ds:KeyInfo'), SECEXT, 'wsse:SecurityTokenReference');
    add($direct, SECEXT, 'wsse:Reference', ['URI' => '#' . $token->getAttributeNS(UTILITY, 'Id'), 'ValueType' => X509]);
    return $document->saveXML(); // formatOutput must stay false: white space in a signed element breaks the signature
}

function setting(string $name): string
{
    return getenv($name) ?: '';
}

$question = ['cbe' => setting('CBE'), 'ssin' => setting('SSIN'), 'legalContext' => setting('LEGAL_CONTEXT')];
$certificate = file_get_contents(setting('SIGNING_SIGN_CERT'));
$key = file_get_contents(setting('SIGNING_SIGN_KEY'));
$message = signed_request($question, $certificate, $key, new DateTimeImmutable(setting('NOW') ?: 'now'));
file_put_contents(setting('SIGNING_OUT'), $message);
if (setting('SIGNING_URL') === '-') {
    exit(0);
}
$context = stream_context_create([
    'ssl' => ['cafile' => setting('SIGNING_CA'), 'local_cert' => setting('SIGNING_CERT'), 'local_pk' => setting('SIGNING_KEY')],
    'http' => [
        'method' => 'POST', 'content' => $message, 'ignore_errors' => true, // a fault comes with status 500
        'header' => ['Content-Type: text/xml; charset=utf-8',
            'SOAPAction: "http://kszbcss.fgov.be/eHealthAttributesService/consultAttributes"'],
    ],
]);
$answer = file_get_contents(setting('SIGNING_URL'), false, $context);
$response = new DOMDocument();
if ($answer === false || !@$response->loadXML($answer)) {
    fwrite(STDERR, "no SOAP response\n");
    exit(1);
}
$path = new DOMXPath($response);
$path->registerNamespace('soap', SOAP);
$code = $path->evaluate('string(//status/code)');
if ($code !== '') {
    exit("$code\n");
}
$reason = $path->evaluate('string(//reasonCode)') ?: '-';
echo $path->evaluate('string(//soap:Fault/faultstring)'), " $reason\n";
exit($path->evaluate('boolean(//soap:Fault)') ? 3 : 1);
