// Asks the questions of standard input with the types that wsdl-tsclient generates; see ../steps.sh.
import axios from 'axios';
import * as fs from 'fs';
import * as https from 'https';
import { version } from 'soap/package.json';
import { createClientAsync as openConsult } from './consult/client';
import { AttrconsultAttributesReplyType } from './consult/definitions/AttrconsultAttributesReplyType';
import { Criteria } from './consult/definitions/Criteria';
import { Period1 } from './consult/definitions/Period1';
import { createClientAsync as openTest } from './test/client';

type ConsultClient = Awaited<ReturnType<typeof openConsult>>;
type TestClient = Awaited<ReturnType<typeof openTest>>;

/** An element with text and attributes: the generated types call it `string`. */
interface Attributed {
    $value: string;
    attributes: Record<string, string>;
}

/** A reply as `soap` returns it. */
type Reply = Omit<AttrconsultAttributesReplyType, 'ssin' | 'sources'> & {
    ssin?: Attributed;
    sources?: { source: Attributed[] };
};

/** What `soap` throws for a fault. */
interface FaultError {
    root: { Envelope: { Body: { Fault: { detail: { consultAttributesFault: { detail: OneOrMore<Message> } } } } } };
}

interface Message {
    reasonCode: string;
}

type OneOrMore<T> = T | T[];

const isFault = (error: unknown): error is FaultError => error instanceof Error && 'root' in error;

function variable(name: string): string {
    const value = process.env[name];
    if (value === undefined) throw new Error(`${name} is not set`);
    return value;
}

async function open(word: string): Promise<[ConsultClient, TestClient]> {
    const identity = `${variable('INTEROP_CLIENTS')}/${word}`;
    const [ca, cert, key] = [variable('INTEROP_CA'), `${identity}.pem`, `${identity}.key`].map((file) => fs.readFileSync(file));
    const httpsAgent = new https.Agent({ ca, cert, key, keepAlive: true });
    const options = {
        request: axios.create({ httpsAgent, proxy: false }),
        // The generated types say so: a day is text.
        customDeserializer: { date: (text: string) => text },
    };
    return [
        await openConsult(variable('INTEROP_CONSULT_WSDL'), options),
        await openTest(variable('INTEROP_TEST_WSDL'), options),
    ];
}

const period = (days?: Period1): string => (days ? `[${days.beginDate ?? ''}..${days.endDate ?? ''}]` : '');

function disclosed(reply: Reply): string {
    if (!reply.result) return '';
    const isFiltered = reply.dataFilters?.filteredElement?.includes('employment/preventionService/cbeNumber');
    const parts = (reply.result.employment ?? []).map((employment) => {
        const text = (employment.employer?.cbeNumber ?? '') + period(employment.period);
        if (isFiltered) return text;
        const services = (employment.preventionService ?? []).map((s) => `${s.type} ${s.cbeNumber}${period(s.affiliation)}`);
        return `${text}{${services.join(', ')}}`;
    });
    const fund = reply.result.healthInsuranceFund?.cbeNumber;
    return (fund === undefined ? parts : [...parts, `fund ${fund}`]).join('; ');
}

function person(reply: Reply): string {
    const replacedBy = reply.ssin?.attributes.replacedBy;
    return replacedBy === undefined ? (reply.result?.ssin ?? '') : `${reply.ssin?.$value}>${replacedBy}`;
}

const sources = (reply: Reply): string =>
    (reply.sources?.source ?? []).map((source) => `${source.attributes.name} ${source.$value}`).join(', ');

function criteriaOf(ssin: string, begin: string, end: string): Criteria {
    if (end !== '-') return { ssin, period: { beginDate: begin, endDate: end } };
    return begin === '-' ? { ssin } : { ssin, referenceDate: begin };
}

async function answer(client: ConsultClient, fields: string[]): Promise<string[]> {
    const [ticket, , cbeNumber, legalContext, ssin, begin, end] = fields;
    try {
        const [reply] = (await client.consultAttributesAsync({
            informationCustomer: { ticket, customerIdentification: { cbeNumber } },
            legalContext,
            criteria: criteriaOf(ssin, begin, end),
        })) as unknown as [Reply];
        return [reply.status?.code ?? '', disclosed(reply), person(reply), sources(reply)];
    } catch (error) {
        if (!isFault(error)) throw error;
        const { detail } = error.root.Envelope.Body.Fault.detail.consultAttributesFault;
        return [(Array.isArray(detail) ? detail[0] : detail).reasonCode, '', '', ''];
    }
}

async function main(): Promise<void> {
    console.log(`VERSION\tsoap ${version}, wsdl-tsclient 1.7.1, TypeScript, Node ${process.versions.node}`);
    const callers = new Map<string, [ConsultClient, TestClient]>();
    for (const line of fs.readFileSync(0, 'utf8').trim().split('\n')) {
        const fields = line.split('\t');
        const [name, word, , context] = fields;
        const [consult, test] = callers.get(word) ?? (await open(word));
        callers.set(word, [consult, test]);
        if (context === '-') {
            const [reply] = await test.sendTestMessageAsync({ echo: name });
            console.log([name, 'ECHO', reply.echo, '', ''].join('\t'));
        } else {
            console.log([name, ...(await answer(consult, fields))].join('\t'));
        }
    }
}

main().then(() => process.exit(0), (error) => { console.error(error); process.exit(1); });
