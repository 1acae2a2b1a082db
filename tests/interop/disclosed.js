// Data that a reply discloses, in the notation of the catalogue: for the clients of Node, whose
// objects are named like the elements.
'use strict';

const several = (value) => (value === undefined || value === null ? [] : [].concat(value));
// strong-soap converts a day to its first moment in UTC.
const day = (value) => (value instanceof Date ? value.toISOString().slice(0, 10) : value || '');
const period = (element) => `[${day(element.beginDate)}..${day(element.endDate)}]`;

function disclosed(reply) {
    if (!reply.result) return '';
    const filtered = reply.dataFilters ? several(reply.dataFilters.filteredElement) : [];
    const parts = several(reply.result.employment).map((employment) => {
        let text = employment.employer ? employment.employer.cbeNumber : '';
        if (employment.period) text += period(employment.period);
        if (!filtered.includes('employment/preventionService/cbeNumber')) {
            const services = several(employment.preventionService);
            text += `{${services.map((s) => `${s.type} ${s.cbeNumber}${period(s.affiliation)}`).join(', ')}}`;
        }
        return text;
    });
    if (reply.result.healthInsuranceFund) parts.push(`fund ${reply.result.healthInsuranceFund.cbeNumber}`);
    return parts.join('; ');
}

// An element with attributes is an object with its text and its attributes: node-soap calls these
// `attributes`, strong-soap `$attributes`.
const textOf = (element) => element.$value;
const attributesOf = (element) => element.attributes || element.$attributes || {};

function person(reply) {
    const { replacedBy } = reply.ssin ? attributesOf(reply.ssin) : {};
    if (replacedBy) return `${textOf(reply.ssin)}>${replacedBy}`;
    return reply.result ? reply.result.ssin : '';
}

function sources(reply) {
    const listed = reply.sources ? several(reply.sources.source) : [];
    return listed.map((source) => `${attributesOf(source).name} ${textOf(source)}`).join(', ');
}

const isDay = (text) => !Number.isNaN(Date.parse(text)) && new Date(text).toISOString().startsWith(text);

// Asks every question of standard input except those that canSend refuses. open(word) returns
// [consult, test]; each is a function that takes a message.
async function answerAll(open, canSend = () => true) {
    const callers = new Map();
    for (const line of require('fs').readFileSync(0, 'utf8').trim().split('\n')) {
        const [name, word, number, context, ssin, begin, end] = line.split('\t');
        if (!callers.has(word)) callers.set(word, await open(word));
        const [consult, test] = callers.get(word);
        if (context === '-') {
            console.log([name, 'ECHO', (await test({ echo: name })).echo, '', ''].join('\t'));
            continue;
        }
        const criteria = { ssin };
        if (end !== '-') criteria.period = { beginDate: begin, endDate: end };
        else if (begin !== '-') criteria.referenceDate = begin;
        if (!canSend(criteria)) {
            console.log([name, '-', '', '', ''].join('\t'));
            continue;
        }
        const informationCustomer = { ticket: name, customerIdentification: { cbeNumber: number } };
        try {
            const reply = await consult({ informationCustomer, legalContext: context, criteria });
            console.log([name, reply.status.code, disclosed(reply), person(reply), sources(reply)].join('\t'));
        } catch (error) {
            if (!error.root) throw error;
            const { Fault } = error.root.Envelope.Body;
            const [{ reasonCode }] = several(Fault.detail.consultAttributesFault.detail);
            console.log([name, reasonCode, '', '', ''].join('\t'));
        }
    }
}

const { INTEROP_URL: url, INTEROP_CA: ca, INTEROP_CLIENTS: clients, INTEROP_TARGET: target, INTEROP_KSZ: ksz } = process.env;
const { INTEROP_CONSULT_WSDL: consultWsdl, INTEROP_TEST_WSDL: testWsdl } = process.env;
const load = (name) => require(require.resolve(name, { paths: [target] }));
const testUrl = `${url}/TestConnectionServiceService/sendTestMessage`;
// Of each service: where its WSDL is, its operation, and its address if the WSDL gives another.
const services = [
    [consultWsdl, 'consultAttributes'],
    ksz ? [`${ksz}/TestConnectionService.wsdl`, 'sendTestMessage', testUrl] : [testWsdl, 'sendTestMessage'],
];
module.exports = { answerAll, ca, clients, isDay, load, services };
