// Prints the competent prevention service of each person, with `soap`. See ../README.md.
//
// usage: router.js SSIN...
'use strict';
const fs = require('fs');
const https = require('https');
const { setTimeout: sleep } = require('timers/promises');
const axios = require('axios');
const soap = require('soap');

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

/** A fault that the same question would get again. */
class Refused extends Error {}

/** No answer now. `waitSeconds` is undefined if the router must not ask again at once. */
class Later extends Error {
    constructor(what, waitSeconds) {
        super(what);
        this.waitSeconds = waitSeconds;
    }
}

const retryable = (what, retryAfter = DEFAULT_WAIT_SECONDS) => new Later(what, Math.min(retryAfter, LONGEST_WAIT_SECONDS));

/** Fails after CONNECT_MILLIS without a TLS connection. */
class Agent extends https.Agent {
    createConnection(options, done) {
        const socket = super.createConnection(options, done);
        const late = () => socket.destroy(Object.assign(new Error('no connection'), { code: 'ETIMEDOUT' }));
        const timer = setTimeout(late, CONNECT_MILLIS);
        for (const event of ['secureConnect', 'close']) socket.once(event, () => clearTimeout(timer));
        return socket;
    }
}

/** `Retry-After` in seconds, if any; the service sends no dates in it. */
function retryAfter(headers) {
    const text = headers['retry-after'] ?? '';
    return /^\d+$/.test(text) ? Number(text) : undefined;
}

/** `soap` returns a list if the schema allows several elements, but not inside a fault. */
const several = (value) => (value === undefined ? [] : [value].flat());

class Directory {
    #settings;
    #http;
    #client;
    #headers = {};

    constructor(settings) {
        this.#settings = settings;
        const { authority: ca, certificate: cert, key } = settings;
        this.#http = axios.create({ httpsAgent: new Agent({ ca, cert, key, keepAlive: true }), proxy: false });
        this.#http.interceptors.request.use((request) => ({
            ...request,
            // Covers the connection and the whole answer; the option `timeout` restarts with every packet.
            signal: AbortSignal.timeout(settings.answerSeconds * 1000),
        }));
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
    async #open() {
        this.#client ??= await soap.createClientAsync(this.#settings.wsdl, {
            request: this.#http,
            // The address of the WSDL is that of its publisher; a WSDL from a file may name another one.
            endpoint: this.#settings.url + CONSULT,
            // Otherwise a day becomes a timestamp in the time zone of the machine, and may be the day before.
            customDeserializer: { date: (text) => text },
        });
        return this.#client;
    }

    // [call]
    async #askOnce(ssin) {
        try {
            const client = await this.#open();
            const [reply] = await client.consultAttributesAsync({
                informationCustomer: { customerIdentification: { cbeNumber: this.#settings.organisation } },
                legalContext: this.#settings.legalContext,
                // Without a date, the question is about today in Brussels.
                criteria: { ssin },
            });
            return reply;
        } catch (error) {
            throw this.#classify(error);
        }
    }

    /** What an error means for the same question. */
    #classify(error) {
        const fault = error.root?.Envelope?.Body?.Fault;
        if (fault) {
            // HTTP 500. `faultcode` says only Client or Server; the code to act on is in the detail.
            const code = several(fault.detail?.consultAttributesFault?.detail)[0]?.reasonCode;
            const wait = retryAfter(this.#headers);
            const isRetryable = SERVICE_FAULTS.includes(code) || (code === QUOTA_EXHAUSTED && wait !== undefined);
            return isRetryable ? retryable(code, wait) : new Refused(code ?? fault.faultcode);
        }
        if (error instanceof Refused || error instanceof Later) return error;
        // The question may have been answered and recorded. Asking again is safe, but gives a second record.
        if (error.code === 'ERR_CANCELED') return new Later('timeout');
        if (CONNECTION_ERRORS.includes(error.code)) return retryable('connection');
        // A wrong certificate, an answer that broke off, or one that is not of this contract.
        console.error(`router.js: ${error.message ?? error}`);
        return new Later('connection');
    }
    // [/call]

    /** The reply about one person, after at most three attempts. */
    async ask(ssin) {
        for (let attempt = 1; ; attempt++) {
            try {
                return await this.#askOnce(ssin);
            } catch (error) {
                if (error.waitSeconds === undefined || attempt === ATTEMPTS) throw error;
                await sleep(error.waitSeconds * 1000);
            }
        }
    }
}

// [route]
/** Value of a named fact of the status. */
const information = (reply, name) => several(reply.status.information).find((fact) => fact.fieldName === name)?.fieldValue;

/** Whether the answer would show an internal service if there was one. */
function knowsInternalServices(reply) {
    if (reply.status.code !== 'HAN20200') return true;
    // A source has text and an attribute: `soap` makes an object of it.
    const federated = several(reply.sources?.source).find((source) => source.attributes.name === 'federated');
    return ['DATA_FOUND', 'NO_DATA_FOUND'].includes(federated?.$value);
}

/** The competent service of an employment; undefined if it is not known. */
function competent(employment, reply) {
    const services = several(employment.preventionService);
    const internal = services.find((service) => service.type === 'INTERNAL');
    return internal ?? (knowsInternalServices(reply) ? services[0] : undefined);
}

async function lines(directory, ssin) {
    let reply;
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
    const employments = several(reply.result?.employment);
    if (employments.length === 0) return [none];
    // Newest first: the service sorts them.
    return employments.map((employment) => {
        const service = competent(employment, reply);
        return service ? [ssin, 'service', service.cbeNumber, service.type, service.affiliation.beginDate] : none;
    });
}
// [/route]

function readSettings() {
    const required = (name) => {
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

async function main(ssins) {
    let settings;
    try {
        if (ssins.length === 0) throw new Error('give one or more SSINs as arguments');
        settings = readSettings();
    } catch (error) {
        console.error(`router.js: ${error.message}`);
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
