<?php
// Asks the questions of standard input with SoapClient; see ../steps.sh.
declare(strict_types=1);

function open_service(string $word, string $path, string $contract): SoapClient
{
    $tls = ['cafile' => getenv('INTEROP_CA')];
    return new SoapClient($contract, [
        'location' => getenv('INTEROP_URL') . $path,
        'cache_wsdl' => WSDL_CACHE_NONE,
        'exceptions' => true,
        'features' => SOAP_SINGLE_ELEMENT_ARRAYS,
        'local_cert' => getenv('INTEROP_IDENTITIES') . "/$word.both",
        'stream_context' => stream_context_create(['ssl' => $tls]),
    ]);
}

function period(object $element): string
{
    return "[{$element->beginDate}.." . ($element->endDate ?? '') . ']';
}

function disclosed(object $reply): string
{
    if (!isset($reply->result)) {
        return '';
    }
    $filtered = $reply->dataFilters->filteredElement ?? [];
    $parts = [];
    foreach ($reply->result->employment ?? [] as $employment) {
        $text = $employment->employer->cbeNumber ?? '';
        $text .= isset($employment->period) ? period($employment->period) : '';
        if (!in_array('employment/preventionService/cbeNumber', $filtered, true)) {
            $services = array_map(
                fn (object $s): string => "$s->type $s->cbeNumber" . period($s->affiliation),
                $employment->preventionService ?? []
            );
            $text .= '{' . implode(', ', $services) . '}';
        }
        $parts[] = $text;
    }
    if (isset($reply->result->healthInsuranceFund)) {
        $parts[] = "fund {$reply->result->healthInsuranceFund->cbeNumber}";
    }
    return implode('; ', $parts);
}

// The text of an element with attributes is `_`, and each attribute is a property.
function person(object $reply): string
{
    if (isset($reply->ssin->replacedBy)) {
        return "{$reply->ssin->_}>{$reply->ssin->replacedBy}";
    }
    return $reply->result->ssin ?? '';
}

function sources(object $reply): string
{
    $texts = array_map(fn (object $source): string => "$source->name $source->_", $reply->sources->source ?? []);
    return implode(', ', $texts);
}

echo "VERSION\tPHP ", PHP_VERSION, " SoapClient\n";
$callers = [];
$ksz = getenv('INTEROP_KSZ');
while (($line = fgets(STDIN)) !== false) {
    [$case, $word, $number, $context, $ssin, $begin, $end] = explode("\t", rtrim($line, "\n"));
    $callers[$word] ??= [
        open_service($word, '/eHealthAttributesService/v1/consult', getenv('INTEROP_CONSULT_WSDL')),
        open_service(
            $word,
            '/TestConnectionServiceService/sendTestMessage',
            $ksz ? "$ksz/TestConnectionService.wsdl" : getenv('INTEROP_TEST_WSDL')
        ),
    ];
    [$attributes, $connection] = $callers[$word];
    if ($context === '-') {
        echo "$case\tECHO\t", $connection->sendTestMessage(['echo' => $case])->echo, "\t\t\n";
        continue;
    }
    $criteria = ['ssin' => $ssin];
    if ($end !== '-') {
        $criteria['period'] = ['beginDate' => $begin, 'endDate' => $end];
    } elseif ($begin !== '-') {
        $criteria['referenceDate'] = $begin;
    }
    try {
        $reply = $attributes->consultAttributes([
            'informationCustomer' => ['ticket' => $case, 'customerIdentification' => ['cbeNumber' => $number]],
            'legalContext' => $context,
            'criteria' => $criteria,
        ]);
        $texts = [$case, $reply->status->code, disclosed($reply), person($reply), sources($reply)];
        echo implode("\t", $texts), "\n";
    } catch (SoapFault $fault) {
        if (!isset($fault->detail)) {
            throw $fault;
        }
        // SOAP_SINGLE_ELEMENT_ARRAYS does not reach into faults: one detail is no list.
        $details = $fault->detail->consultAttributesFault->detail;
        $detail = is_array($details) ? $details[0] : $details;
        echo "$case\t$detail->reasonCode\t\t\t\n";
    }
}
