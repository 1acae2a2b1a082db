# Asks the questions of standard input with SOAP::Lite; see ../steps.sh. Its WSDL reader supports only
# RPC, so the messages are built by hand and the answers are read by path.
use strict;
use warnings;
use SOAP::Lite;

my ($url, $ca, $clients) = @ENV{qw(INTEROP_URL INTEROP_CA INTEROP_CLIENTS)};

sub open_service {
    my ($word, $path, $service) = @_;
    my $soap = SOAP::Lite->new(
        proxy => ["$url$path", ssl_opts => {
            SSL_ca_file => $ca, SSL_cert_file => "$clients/$word.pem", SSL_key_file => "$clients/$word.key",
        }],
    );
    $soap->proxy->no_proxy('localhost');
    $soap->on_action(sub { "\"http://kszbcss.fgov.be/$service\"" });
    $soap->ns("http://kszbcss.fgov.be/intf/" . ($service =~ s{/.*}{}r) . "/v1", 'q');
    $soap->serializer->autotype(0);
    $soap->on_fault(sub { $_[1] });    # a fault is an answer, too
    return $soap;
}

sub element {
    my ($name, $value) = @_;
    return SOAP::Data->name($name => ref $value eq 'ARRAY' ? \SOAP::Data->value(@$value) : $value);
}

sub days {
    my ($som, $at) = @_;
    return '[' . $som->valueof("$at/beginDate") . '..' . ($som->valueof("$at/endDate") // '') . ']';
}

# The paths of the children of this name: SOAP::SOM counts children, whatever their names.
sub children {
    my ($som, $at, $name) = @_;
    my @paths;
    for (my $i = 1; my $child = $som->dataof("$at/[$i]"); $i++) {
        push @paths, "$at/[$i]" if $child->name eq $name;
    }
    return @paths;
}

sub disclosed {
    my ($som) = @_;
    my $result = '/Envelope/Body/consultAttributesResponse/result';
    my %filtered = map { $_ => 1 } $som->valueof('//dataFilters/filteredElement');
    my @parts;
    for my $at (children($som, $result, 'employment')) {
        my $text = $som->valueof("$at/employer/cbeNumber") // '';
        $text .= days($som, "$at/period") if defined $som->valueof("$at/period/beginDate");
        if (!$filtered{'employment/preventionService/cbeNumber'}) {
            $text .= '{' . join(', ', map {
                $som->valueof("$_/type") . ' ' . $som->valueof("$_/cbeNumber") . days($som, "$_/affiliation")
            } children($som, $at, 'preventionService')) . '}';
        }
        push @parts, $text;
    }
    my $fund = $som->valueof("$result/healthInsuranceFund/cbeNumber");
    push @parts, "fund $fund" if defined $fund;
    return join '; ', @parts;
}

sub person {
    my ($som) = @_;
    my $annotated = $som->dataof('/Envelope/Body/consultAttributesResponse/ssin');
    if ($annotated && defined $annotated->attr->{replacedBy}) {
        return $annotated->value . '>' . $annotated->attr->{replacedBy};
    }
    return $som->valueof('//result/ssin') // '';
}

sub sources {
    my ($som) = @_;
    my @sources = $som->dataof('/Envelope/Body/consultAttributesResponse/sources/source');
    return join ', ', map { $_->attr->{name} . ' ' . $_->value } @sources;
}

$| = 1;
print "VERSION\tSOAP::Lite $SOAP::Lite::VERSION, Perl ", sprintf('%vd', $^V), "\n";
while (my $line = <STDIN>) {
    chomp $line;
    my ($case, $word, $number, $context, $ssin, $begin, $end) = split /\t/, $line;
    if ($context eq '-') {
        my $soap = open_service($word, '/TestConnectionServiceService/sendTestMessage', 'TestConnectionServiceService/sendTestMessage');
        my $som = $soap->call('q:sendTestMessageRequest' => element(echo => $case));
        print "$case\tECHO\t", $som->valueof('//echo'), "\t\t\n";
        next;
    }
    my $soap = open_service(
        $word, '/eHealthAttributesService/v1/consult', 'eHealthAttributesService/consultAttributes');
    my @dates;
    @dates = element(referenceDate => $begin) if $begin ne '-';
    @dates = element(period => [element(beginDate => $begin), element(endDate => $end)]) if $end ne '-';
    my $som = $soap->call('q:consultAttributesRequest' =>
        element(informationCustomer => [
            element(ticket => $case), element(customerIdentification => [element(cbeNumber => $number)])]),
        element(legalContext => $context),
        element(criteria => [element(ssin => $ssin), @dates]),
    );
    if ($som->fault) {
        print "$case\t", $som->valueof('//Fault/detail/consultAttributesFault/detail/reasonCode'), "\t\t\t\n";
        next;
    }
    print join("\t", $case, $som->valueof('//status/code'), disclosed($som), person($som), sources($som)), "\n";
}
