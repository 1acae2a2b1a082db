# Asks the questions of standard input with soap4r; see ../steps.sh.
require "date"
require "soap/wsdlDriver"

# A value must match one of the patterns of its type. soap4r keeps only the last, so it would send no
# SSIN but a ter number.
class WSDL::XMLSchema::Pattern
  def parse_attr(attribute, value)
    return unless attribute == WSDL::XMLSchema::ValueAttrName
    parent.pattern = Regexp.union(*parent.pattern, /\A(?:#{value.source})\z/n)
    value.source
  end
end

def open_service(contract, word, path)
  driver = SOAP::WSDLDriverFactory.new(contract).create_rpc_driver
  driver.endpoint_url = ENV.fetch("INTEROP_URL") + path
  clients = ENV.fetch("INTEROP_CLIENTS")
  tls = driver.streamhandler.client.ssl_config
  tls.clear_cert_store
  tls.add_trust_ca(ENV.fetch("INTEROP_CA"))
  # The option "protocol.http.ssl_config.client_key" reads RSA keys alone.
  tls.client_cert = OpenSSL::X509::Certificate.new(File.read("#{clients}/#{word}.pem"))
  tls.client_key = OpenSSL::PKey.read(File.read("#{clients}/#{word}.key"))
  driver
end

def several(value)
  value.nil? ? [] : [value].flatten
end

def member(element, name)
  element.respond_to?(name) ? element.public_send(name) : nil
end

def days(period)
  "[#{period.beginDate}..#{member(period, :endDate)}]"
end

def disclosed(reply)
  result = member(reply, :result)
  return "" if result.nil?
  filters = member(reply, :dataFilters)
  filtered = several(filters && member(filters, :filteredElement)).map(&:to_s)
  parts = several(member(result, :employment)).map do |employment|
    employer = member(employment, :employer)
    period = member(employment, :period)
    text = (employer ? employer.cbeNumber.to_s : "") + (period ? days(period) : "")
    unless filtered.include?("employment/preventionService/cbeNumber")
      services = several(member(employment, :preventionService))
      # `type` is a name of Ruby's own; the element is reached by its name.
      text += "{" + services.map { |s| "#{s["type"]} #{s.cbeNumber}#{days(s.affiliation)}" }.join(", ") + "}"
    end
    text
  end
  fund = member(result, :healthInsuranceFund)
  parts << "fund #{fund.cbeNumber}" if fund
  parts.join("; ")
end

# A text with attributes is a string; the attribute NAME is its member `xmlattr_NAME`.
def person(reply)
  annotated = member(reply, :ssin)
  replaced_by = member(annotated, :xmlattr_replacedBy)
  return "#{annotated}>#{replaced_by}" if replaced_by
  result = member(reply, :result)
  result ? result.ssin.to_s : ""
end

def sources(reply)
  sources = member(reply, :sources)
  several(sources && sources.source).map { |source| "#{source.xmlattr_name} #{source}" }.join(", ")
end

puts "VERSION\tsoap4r #{Gem.loaded_specs["soap4r-ruby1.9"].version}, Ruby #{RUBY_VERSION}"
callers = Hash.new do |known, word|
  known[word] = [
    open_service("#{ARGV[0]}/consult.wsdl", word, "/eHealthAttributesService/v1/consult"),
    open_service("#{ARGV[0]}/test.wsdl", word, "/TestConnectionServiceService/sendTestMessage"),
  ]
end
STDIN.each_line(chomp: true) do |line|
  name, word, number, context, ssin, from, to = line.split("\t")
  consult, test = callers[word]
  if context == "-"
    puts [name, "ECHO", test.sendTestMessage({ "echo" => name }).echo, "", ""].join("\t")
    next
  end
  # soap4r knows no 30 February.
  unless [from, to].all? { |day| day == "-" || Date.valid_date?(*day.split("-").map(&:to_i)) }
    puts [name, "-", "", "", ""].join("\t")
    next
  end
  criteria = { "ssin" => ssin }
  if to != "-"
    criteria["period"] = { "beginDate" => from, "endDate" => to }
  elsif from != "-"
    criteria["referenceDate"] = from
  end
  customer = { "ticket" => name, "customerIdentification" => { "cbeNumber" => number } }
  begin
    reply = consult.consultAttributes({ "informationCustomer" => customer, "legalContext" => context, "criteria" => criteria })
    puts [name, reply.status.code, disclosed(reply), person(reply), sources(reply)].join("\t")
  rescue SOAP::FaultError => fault
    detail = fault.detail.consultAttributesFault.detail
    puts [name, several(detail).first.reasonCode, "", "", ""].join("\t")
  end
end
