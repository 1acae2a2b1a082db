/* The operation of the service in C with gSOAP: mutual TLS, a request read into structures, a lookup in the same SQLite
 * files, an answer written from structures. It has no policy beyond "is the person insured with the caller", no audit log, no
 * limits and no counters, which is to its advantage.
 *
 * Each connection has its own thread while it is kept: gSOAP blocks, and on one core this was its best. The files are opened
 * as immutable, so that SQLite takes no locks. */

#include "soapH.h"
#include "eHealthAttributesServiceHTTPBinding.nsmap"

#include <openssl/ssl.h>
#include <pthread.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

enum dataset { DIMONA, COPREV, FEDERATED, INSURANCE, PERSONS, DATASETS };
static const char *const names[DATASETS] = {"dimona", "coprev", "federated", "insurance", "persons"};
static const char *const queries[DATASETS] = {
    "SELECT employer, begin_day, end_day FROM period WHERE ssin = ?1",
    "SELECT service, begin_day, end_day FROM affiliation WHERE employer = ?1",
    "SELECT service, begin_day, end_day FROM affiliation WHERE employer = ?1",
    "SELECT fund, begin_day, end_day FROM membership WHERE ssin = ?1",
    "SELECT replaced_by FROM person WHERE ssin = ?1",
};
static const char *folder;

/* The database handles of a thread. */
struct reader {
    sqlite3 *files[DATASETS];
    sqlite3_stmt *look_ups[DATASETS];
};

enum { ROWS = 64 };
struct row {
    sqlite3_int64 organisation, begin, end;
    int is_open;
};

static void stop(const char *what) {
    fprintf(stderr, "gsoap peer: %s\n", what);
    exit(1);
}

static struct reader *open_reader(void) {
    struct reader *reader = calloc(1, sizeof *reader);
    for (int set = 0; set < DATASETS; set++) {
        char path[4096], uri[4200], file[256] = "";
        snprintf(path, sizeof path, "%s/%s.current", folder, names[set]);
        FILE *pointer = fopen(path, "r");
        if (!pointer || !fgets(file, sizeof file, pointer)) stop(path);
        fclose(pointer);
        file[strcspn(file, "\r\n")] = 0;
        snprintf(uri, sizeof uri, "file:%s/%s?immutable=1", folder, file);
        const int flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX;
        if (sqlite3_open_v2(uri, &reader->files[set], flags, NULL) != SQLITE_OK) stop(uri);
        sqlite3_exec(reader->files[set], "PRAGMA mmap_size = 2147418112", NULL, NULL, NULL);
        const unsigned kept = SQLITE_PREPARE_PERSISTENT;
        if (sqlite3_prepare_v3(reader->files[set], queries[set], -1, kept, &reader->look_ups[set], NULL) != SQLITE_OK)
            stop(sqlite3_errmsg(reader->files[set]));
    }
    return reader;
}

static int look_up(struct reader *reader, enum dataset set, sqlite3_int64 key, struct row *rows) {
    sqlite3_stmt *select = reader->look_ups[set];
    int count = 0;
    sqlite3_bind_int64(select, 1, key);
    while (count < ROWS && sqlite3_step(select) == SQLITE_ROW) {
        struct row *row = &rows[count++];
        row->organisation = sqlite3_column_int64(select, 0);
        row->begin = sqlite3_column_int64(select, 1);
        row->is_open = sqlite3_column_type(select, 2) == SQLITE_NULL;
        row->end = row->is_open ? 0 : sqlite3_column_int64(select, 2);
    }
    sqlite3_reset(select);
    return count;
}

static int has_day(const struct row *row, sqlite3_int64 day) {
    return row->begin <= day && (row->is_open || day <= row->end);
}

static char *number_text(struct soap *soap, sqlite3_int64 number) {
    char *text = soap_malloc(soap, 11);
    snprintf(text, 11, "%010lld", (long long)number);
    return text;
}

static char *day_text(struct soap *soap, sqlite3_int64 days) {
    char *text = soap_malloc(soap, 11);
    time_t seconds = (time_t)days * 86400;
    struct tm day;
    gmtime_r(&seconds, &day);
    strftime(text, 11, "%Y-%m-%d", &day);
    return text;
}

static struct ns3__OpenPeriodType *period(struct soap *soap, const struct row *row) {
    struct ns3__OpenPeriodType *period = soap_new_ns3__OpenPeriodType(soap, 1);
    period->beginDate = day_text(soap, row->begin);
    period->endDate = row->is_open ? NULL : day_text(soap, row->end);
    return period;
}

static struct ns3__StatusType *status(struct soap *soap, enum ns3__StatusValueType value, char *code, char *text) {
    struct ns3__StatusType *status = soap_new_ns3__StatusType(soap, 1);
    status->value = value;
    status->code = code;
    status->description = text;
    return status;
}

/* The prevention services of an employer on this day, internal ones first. */
static void tell_services(struct soap *soap, struct ns2__EmploymentType *employment, sqlite3_int64 employer, sqlite3_int64 day) {
    static const enum dataset sets[2] = {FEDERATED, COPREV};
    struct row rows[ROWS];
    employment->preventionService = soap_new_ns2__PreventionServiceType(soap, 2 * ROWS);
    for (int kind = 0; kind < 2; kind++) {
        const int count = look_up(soap->user, sets[kind], employer, rows);
        for (int place = 0; place < count; place++) {
            if (!has_day(&rows[place], day)) continue;
            struct ns2__PreventionServiceType *service = &employment->preventionService[employment->__sizepreventionService++];
            service->cbeNumber = number_text(soap, rows[place].organisation);
            service->type = soap_new_ns2__PreventionServiceTypeCode(soap, 1);
            *service->type = kind == 0 ? ns2__PreventionServiceTypeCode__INTERNAL : ns2__PreventionServiceTypeCode__EXTERNAL;
            service->affiliation = period(soap, &rows[place]);
        }
    }
}

int __ns1__consultAttributes(struct soap *soap, struct ns2__ConsultAttributesRequestType *request,
                             struct ns2__ConsultAttributesReplyType *reply) {
    struct reader *reader = soap->user;
    const sqlite3_int64 ssin = strtoll(request->criteria->ssin, NULL, 10), day = time(NULL) / 86400;
    const char *caller = request->informationCustomer->customerIdentification->cbeNumber;
    const sqlite3_int64 fund = caller ? strtoll(caller, NULL, 10) : 0;
    unsigned char random[16];
    struct row rows[ROWS];

    reply->informationCustomer = request->informationCustomer;
    reply->informationCBSS = soap_new_ns3__InformationCBSSType(soap, 1);
    reply->informationCBSS->ticketCBSS = soap_malloc(soap, 37);
    if (getrandom(random, sizeof random, 0) != sizeof random) return SOAP_FATAL_ERROR;
    char *ticket = reply->informationCBSS->ticketCBSS;
    for (int place = 0; place < 16; place++) {
        if (place == 4 || place == 6 || place == 8 || place == 10) *ticket++ = '-';
        ticket += sprintf(ticket, "%02x", random[place]);
    }
    reply->informationCBSS->timestampReceive = reply->informationCBSS->timestampReply = time(NULL);
    reply->legalContext = request->legalContext;
    reply->criteria = request->criteria;
    if (!reply->criteria->__union_CriteriaType) {
        reply->criteria->__union_CriteriaType = SOAP_UNION__ns2__union_CriteriaType_referenceDate;
        reply->criteria->union_CriteriaType.referenceDate = day_text(soap, day);
    }

    if (look_up(reader, PERSONS, ssin, rows) && rows[0].organisation) {
        reply->status = status(soap, ns3__StatusValueType__NO_USCORERESULT, "MSG00006", "The SSIN was replaced.");
        return SOAP_OK;
    }
    int is_insured = 0;
    const int memberships = look_up(reader, INSURANCE, ssin, rows);
    for (int place = 0; place < memberships; place++)
        is_insured |= rows[place].organisation == fund && has_day(&rows[place], day);
    if (!is_insured) {
        reply->status = status(soap, ns3__StatusValueType__NO_USCORERESULT, "MSG00012", "There is no relation to this person.");
        return SOAP_OK;
    }
    reply->status = status(soap, ns3__StatusValueType__DATA_USCOREFOUND, "MSG00000", "Data were found.");
    reply->dataFilters = soap_new_ns3__DataFiltersType(soap, 1);
    reply->dataFilters->__sizefilteredElement = 1;
    reply->dataFilters->filteredElement = soap_malloc(soap, sizeof(char *));
    reply->dataFilters->filteredElement[0] = "healthInsuranceFund/cbeNumber";
    reply->result = soap_new_ns2__ResultType(soap, 1);
    reply->result->ssin = request->criteria->ssin;
    const int works = look_up(reader, DIMONA, ssin, rows);
    reply->result->employment = soap_new_ns2__EmploymentType(soap, works > 0 ? works : 1);
    for (int place = 0; place < works; place++) {
        if (!has_day(&rows[place], day)) continue;
        struct ns2__EmploymentType *employment = &reply->result->employment[reply->result->__sizeemployment++];
        employment->employer = soap_new_ns2__EmployerType(soap, 1);
        employment->employer->cbeNumber = number_text(soap, rows[place].organisation);
        employment->period = period(soap, &rows[place]);
        tell_services(soap, employment, rows[place].organisation, day);
    }
    return SOAP_OK;
}

/* Idle readers: opening one costs more than many answers. */
static struct reader *idle[4096];
static int idle_count;
static pthread_mutex_t idle_lock = PTHREAD_MUTEX_INITIALIZER;

static struct reader *take_reader(void) {
    pthread_mutex_lock(&idle_lock);
    struct reader *reader = idle_count ? idle[--idle_count] : NULL;
    pthread_mutex_unlock(&idle_lock);
    return reader ? reader : open_reader();
}

static void *serve(void *argument) {
    struct soap *soap = argument;
    if (soap_ssl_accept(soap) == SOAP_OK) {
        struct reader *reader = take_reader();
        soap->user = reader;
        soap_serve(soap);
        pthread_mutex_lock(&idle_lock);
        if (idle_count < 4096) idle[idle_count++] = reader;
        pthread_mutex_unlock(&idle_lock);
    }
    soap_destroy(soap);
    soap_end(soap);
    soap_free(soap);
    return NULL;
}

int main(int count, char **arguments) {
    if (count != 5) {
        fprintf(stderr, "Usage: %s PORT DATA_FOLDER CERTIFICATE_AND_KEY.pem CLIENT_AUTHORITY.pem\n", arguments[0]);
        return 2;
    }
    folder = arguments[2];
    signal(SIGPIPE, SIG_IGN);
    struct soap *soap = soap_new1(SOAP_IO_KEEPALIVE | SOAP_C_UTFSTRING);
    soap_ssl_init();
    const unsigned short flags = SOAP_SSL_REQUIRE_CLIENT_AUTHENTICATION | SOAP_TLSv1_2 | SOAP_TLSv1_3;
    if (soap_ssl_server_context(soap, flags, arguments[3], NULL, arguments[4], NULL, NULL, NULL, "peer")) {
        soap_print_fault(soap, stderr);
        return 1;
    }
    /* As in the service: sessions are not resumed, so none is offered. */
    SSL_CTX_set_num_tickets(soap->ctx, 0);
    SSL_CTX_set_session_cache_mode(soap->ctx, SSL_SESS_CACHE_OFF);
    soap->max_keep_alive = 1 << 30;
    soap->bind_flags = SO_REUSEADDR;
    soap->recv_timeout = soap->send_timeout = 30;
    if (!soap_valid_socket(soap_bind(soap, "127.0.0.1", atoi(arguments[1]), 1024))) {
        soap_print_fault(soap, stderr);
        return 1;
    }
    pthread_attr_t small;
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, 256 * 1024);
    pthread_attr_setdetachstate(&small, PTHREAD_CREATE_DETACHED);
    for (;;) {
        if (!soap_valid_socket(soap_accept(soap))) continue;
        struct soap *own = soap_copy(soap);
        pthread_t thread;
        if (!own || pthread_create(&thread, &small, serve, own)) stop("no thread for a connection");
    }
}
