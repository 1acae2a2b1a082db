// Prints the competent prevention service of each person, with `soap` and the types that wsdl-tsclient generates. See
// ../README.md.
//
// usage: router.js SSIN...
import axios, { AxiosInstance } from 'axios';
import * as fs from 'fs';
import * as https from 'https';
import { Duplex } from 'stream';
import { setTimeout as sleep } from 'timers/promises';
import { createClientAsync } from './contract/consult/client';
import { AttrconsultAttributesReplyType } from './contract/consult/definitions/AttrconsultAttributesReplyType';
import { Employment } from './contract/consult/definitions/Employment';
import { PreventionService } from './contract/consult/definitions/PreventionService';

const CONSULT = '/eHealthAttributesService/v1/consult';
const ATTEMPTS = 3;
// A host that drops packets must not block a question for the two minutes of TCP.
const CONNECT_MILLIS = 5_000;
// The service answers in milliseconds. 30 s is longer than every queue in it, and shorter than the patience of a user.
const ANSWER_SECONDS = 30;
const LONGEST_WAIT_SECONDS = 30;
const DEFAULT_WAIT_SECONDS = 1;
// Faults of the service itself: the question was not answered, and may be asked again.
const SERVICE_FAULTS = ['MSG00003', 'MSG90053'];
const QUOTA_EXHAUSTED = 'MSG90052';
// Failures before the first byte of an answer.
const CONNECTION_ERRORS = ['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ETIMEDOUT'];

// [types]
/** An element with text and attributes. The generated types call it `string`: this is what `soap` returns. */
interface Attributed {
    $value: string;
    attributes: Record<string, string>;
}

/** A reply. The generated types make every element optional; these two are always there. */
type Reply = Omit<AttrconsultAttributesReplyType, 'sources' | 'ssin' | 'status'> & {
    sources?: { source: Attributed[] };
    ssin?: Attributed;
    status: { code: string; information?: { fieldName: string; fieldValue?: string }[] };
};

/** What `soap` throws for a fault. A message of the detail is a list only if there are several. */
interface FaultError {
    root: { Envelope: { Body: { Fault: { faultcode: string; detail?: { consultAttributesFault?: { detail: Message | Message[] } } } } } };
}

interface Message {
    reasonCode: string;
}

const isFault = (error: unknown): error is FaultError =>
    (error as Partial<FaultError> | undefined)?.root?.Envelope?.Body?.Fault !== undefined;
// [/types]

type Client = Awaited<ReturnType<typeof createClientAsync>>;
type Headers = Record<string, unknown>;

interface Settings {
    url: string;
    authority: Buffer;
    certificate: Buffer;
    key: Buffer;
    organisation: string;
    legalContext: string;
    wsdl: string;
    answerSeconds: number;
}

/** A fault that the same question would get again. */
class Refused extends Error {}

/** No answer now. `waitSeconds` is undefined if the router must not ask again at once. */
class Later extends Error {
    constructor(what: string, readonly waitSeconds?: number) {
        super(what);
    }
}

const retryable = (what: string, retryAfter = DEFAULT_WAIT_SECONDS): Later =>
    new Later(what, Math.min(retryAfter, LONGEST_WAIT_SECONDS));

/** Fails after CONNECT_MILLIS without a TLS connection. */
class Agent extends https.Agent {
    override createConnection(...all: Parameters<https.Agent['createConnection']>): Duplex | null | undefined {
        const socket = super.createConnection(...all);
        const late = () => socket?.destroy(Object.assign(new Error('no connection'), { code: 'ETIMEDOUT' }));
        const timer = setTimeout(late, CONNECT_MILLIS);
        for (const event of ['secureConnect', 'close']) socket?.once(event, () => clearTimeout(timer));
        return socket;
    }
}

/** `Retry-After` in seconds, if any; the service sends no dates in it. */
function retryAfter(headers: Headers): number | undefined {
    const text = headers['retry-after'];
    return typeof text === 'string' && /^\d+$/.test(text) ? Number(text) : undefined;
}

class Directory {
    readonly #settings: Settings;
    readonly #http: AxiosInstance;
    #client?: Client;
    #headers: Headers = {};

    constructor(settings: Settings) {
        this.#settings = settings;
        const { authority: ca, certificate: cert, key } = settings;
        this.#http = axios.create({ httpsAgent: new Agent({ ca, cert, key, keepAlive: true }), proxy: false });
        this.#http.interceptors.request.use((request) => {
            // Covers the connection and the whole answer; the option `timeout` restarts with every packet.
            request.signal = AbortSignal.timeout(settings.answerSeconds * 1000);
            return request;
        });
        // Sees every response before `soap`, which would try to read the plain text of a 503 as XML.
        this.#http.interceptors.response.use((response) => {
            this.#headers = response.headers;
            const { status } = response;
            if (status === 503 || status === 429) throw retryable(`http ${status}`, retryAfter(response.headers));
            if (status !== 200 && status !== 500) throw new Refused(`http ${status}`);
            return response;
        });
    }

    /** Reads the WSDL, once. That is a request too, and may fail in the same ways. */
    async #open(): Promise<Client> {
        this.#client ??= await createClientAsync(this.#settings.wsdl, {
            request: this.#http,
            // The address of the WSDL is that of its publisher; a WSDL from a file may name another one.
            endpoint: this.#settings.url + CONSULT,
            // Otherwise a day becomes a timestamp in the time zone of the machine, and may be the day before. `run.sh`
            // changes the generated types to match.
            customDeserializer: { date: (text: string) => text },
        });
        return this.#client;
    }

    // [call]
    async #askOnce(ssin: string): Promise<Reply> {
        try {
            const client = await this.#open();
            const [reply] = (await client.consultAttributesAsync({
                informationCustomer: { customerIdentification: { cbeNumber: this.#settings.organisation } },
                legalContext: this.#settings.legalContext,
                // Without a date, the question is about today in Brussels.
                criteria: { ssin },
            })) as unknown as [Reply];
            return reply;
        } catch (error) {
            throw this.#classify(error);
        }
    }

    /** What an error means for the same question. */
    #classify(error: unknown): Refused | Later {
        if (isFault(error)) {
            const fault = error.root.Envelope.Body.Fault;
            // HTTP 500. `faultcode` says only Client or Server; the code to act on is in the detail.
            const code = [fault.detail?.consultAttributesFault?.detail ?? []].flat()[0]?.reasonCode ?? fault.faultcode;
            const wait = retryAfter(this.#headers);
            const isRetryable = SERVICE_FAULTS.includes(code) || (code === QUOTA_EXHAUSTED && wait !== undefined);
            return isRetryable ? retryable(code, wait) : new Refused(code);
        }
        if (error instanceof Refused || error instanceof Later) return error;
        // The question may have been answered and recorded. Asking again is safe, but gives a second record.
        const code = (error as { code?: string }).code ?? '';
        if (code === 'ERR_CANCELED') return new Later('timeout');
        if (CONNECTION_ERRORS.includes(code)) return retryable('connection');
        // A wrong certificate, an answer that broke off, or one that is not of this contract.
        console.error(`router.js: ${error instanceof Error ? error.message : error}`);
        return new Later('connection');
    }
    // [/call]

    /** The reply about one person, after at most three attempts. */
    async ask(ssin: string): Promise<Reply> {
        for (let attempt = 1; ; attempt++) {
            try {
                return await this.#askOnce(ssin);
            } catch (error) {
                if (!(error instanceof Later) || error.waitSeconds === undefined || attempt === ATTEMPTS) throw error;
                await sleep(error.waitSeconds * 1000);
            }
        }
    }
}

// [route]
/** Value of a named fact of the status. */
const information = (reply: Reply, name: string): string | undefined =>
    reply.status.information?.find((fact) => fact.fieldName === name)?.fieldValue;

/** Whether the answer would show an internal service if there was one. */
function knowsInternalServices(reply: Reply): boolean {
    if (reply.status.code !== 'HAN20200') return true;
    const federated = reply.sources?.source.find((source) => source.attributes.name === 'federated');
    return ['DATA_FOUND', 'NO_DATA_FOUND'].includes(federated?.$value ?? '');
}

/** The competent service of an employment; undefined if it is not known. */
function competent(employment: Employment, reply: Reply): PreventionService | undefined {
    const services = employment.preventionService ?? [];
    const internal = services.find((service) => service.type === 'INTERNAL');
    return internal ?? (knowsInternalServices(reply) ? services[0] : undefined);
}

async function lines(directory: Directory, ssin: string): Promise<string[][]> {
    let reply: Reply;
    try {
        reply = await directory.ask(ssin);
        const replacement = reply.status.code === 'MSG00006' ? information(reply, 'newSSIN') : undefined;
        // The number was replaced. Keep the new one: your next question should use it.
        if (replacement) reply = await directory.ask(replacement);
    } catch (error) {
        if (error instanceof Refused) return [[ssin, 'refused', error.message]];
        if (error instanceof Later) return [[ssin, 'later', error.message]];
        throw error;
    }
    const none = [ssin, 'none', reply.status.code];
    const employments = reply.result?.employment ?? [];
    if (employments.length === 0) return [none];
    // Newest first: the service sorts them.
    return employments.map((employment) => {
        const service = competent(employment, reply);
        if (!service) return none;
        // A grant may leave fields out.
        return [ssin, 'service', service.cbeNumber ?? '', service.type ?? '', service.affiliation?.beginDate ?? ''];
    });
}
// [/route]

function readSettings(): Settings {
    const required = (name: string): string => {
        const value = process.env[name];
        if (!value) throw new Error(`${name} is not set`);
        return value;
    };
    const url = required('EHEALTH_URL').replace(/\/+$/, '');
    const answerSeconds = Number(process.env.EHEALTH_TIMEOUT_SECONDS || ANSWER_SECONDS);
    if (!(answerSeconds > 0)) throw new Error('EHEALTH_TIMEOUT_SECONDS is not a number of seconds');
    return {
        url,
        authority: fs.readFileSync(required('EHEALTH_CA')),
        certificate: fs.readFileSync(required('EHEALTH_CERTIFICATE')),
        key: fs.readFileSync(required('EHEALTH_KEY')),
        organisation: required('EHEALTH_ORGANISATION'),
        legalContext: required('EHEALTH_LEGAL_CONTEXT'),
        wsdl: process.env.EHEALTH_WSDL || `${url}${CONSULT}?wsdl`,
        answerSeconds,
    };
}

async function main(ssins: string[]): Promise<number> {
    let settings: Settings;
    try {
        if (ssins.length === 0) throw new Error('give one or more SSINs as arguments');
        settings = readSettings();
    } catch (error) {
        console.error(`router.js: ${(error as Error).message}`);
        return 2;
    }
    const directory = new Directory(settings);
    for (const ssin of ssins) {
        for (const line of await lines(directory, ssin)) console.log(line.join('\t'));
    }
    return 0;
}

// `exit` closes the connections that are kept open.
main(process.argv.slice(2)).then((code) => process.exit(code));
