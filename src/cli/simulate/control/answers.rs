//! Answers of the control API: which path and method do what.

use bytes::Bytes;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, HOST, HeaderMap, HeaderValue, X_CONTENT_TYPE_OPTIONS};
use hyper::{Method, Request, Response, StatusCode};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::timeout;

use super::{Control, json as form};
use crate::admin::names_loopback;
use crate::config::parse_plan;
use testkit::{ORGANISATIONS, RefusedClient};

/// Maximum body, in bytes.
const BODY_BYTES: usize = 256 * 1_024;
/// Time-out of a body.
const BODY: Duration = Duration::from_secs(10);

/// What the API has, for people who open it.
const HELP: &str = "\
Control API of ehealth-attributes simulate

GET    /v1/simulation   how to reach the simulation: the content of the ready file
GET    /v1/plan         failures and outages, and how often each failure happened
PUT    /v1/plan         replaces them; the body is JSON with the keys failure and outage of a scenario
DELETE /v1/plan         returns to those of the scenario file
GET    /v1/requests     what the simulation received: the last 1000 requests
DELETE /v1/requests     forgets them
GET    /v1/files/NAME   ca.pem, or certificate and key of a client: clients/fund.pem, clients/fund.key

curl -X PUT -H 'Content-Type: application/json' \\
    --data '{\"failure\": [{\"kind\": \"http\", \"status\": 503, \"retry_after\": 1, \"times\": 1}]}' URL/v1/plan
";

/// What is asked for.
enum Resource<'a> {
    Help,
    Simulation,
    Plan,
    Requests,
    File(&'a str),
}

impl<'a> Resource<'a> {
    fn parse(path: &'a str) -> Option<Self> {
        match path {
            "/" => Some(Self::Help),
            "/v1/simulation" => Some(Self::Simulation),
            "/v1/plan" => Some(Self::Plan),
            "/v1/requests" => Some(Self::Requests),
            _ => path.strip_prefix("/v1/files/").map(Self::File),
        }
    }

    fn methods(&self) -> &'static str {
        match self {
            Self::Help | Self::Simulation | Self::File(_) => "GET, HEAD",
            Self::Plan => "GET, HEAD, PUT, DELETE",
            Self::Requests => "GET, HEAD, DELETE",
        }
    }
}

/// Answers a request.
pub(super) async fn answer(control: &Control, request: Request<Incoming>, is_loopback: bool) -> Response<Full<Bytes>> {
    let host = request.headers().get(HOST).and_then(|host| host.to_str().ok());
    let mut response = if is_loopback && !host.is_some_and(names_loopback) {
        error(StatusCode::MISDIRECTED_REQUEST, "Use the host localhost, 127.0.0.1 or [::1].")
    } else {
        answer_resource(control, request).await
    };
    let headers = response.headers_mut();
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

async fn answer_resource(control: &Control, request: Request<Incoming>) -> Response<Full<Bytes>> {
    let (head, body) = request.into_parts();
    let Some(resource) = Resource::parse(head.uri.path()) else {
        return error(StatusCode::NOT_FOUND, "Not found. GET / lists what is here.");
    };
    let is_get = head.method == Method::GET || head.method == Method::HEAD;
    match resource {
        Resource::Help if is_get => respond(StatusCode::OK, "text/plain; charset=utf-8", HELP),
        Resource::Simulation if is_get => json_body(StatusCode::OK, &control.description),
        Resource::Plan if is_get => json_body(StatusCode::OK, &form::plan(&control.plan.current())),
        Resource::Requests if is_get => json_body(StatusCode::OK, &form::requests(&control.plan.seen())),
        Resource::File(name) if is_get => file(control, name),
        Resource::Plan if head.method == Method::PUT => replace_plan(control, &head.headers, body).await,
        Resource::Plan if head.method == Method::DELETE => {
            control.plan.reset().await;
            json_body(StatusCode::OK, &form::plan(&control.plan.current()))
        }
        Resource::Requests if head.method == Method::DELETE => {
            control.plan.forget_seen();
            json_body(StatusCode::OK, &form::requests(&control.plan.seen()))
        }
        Resource::Help | Resource::Simulation | Resource::Plan | Resource::Requests | Resource::File(_) => {
            let allowed = resource.methods();
            let mut refused = error(StatusCode::METHOD_NOT_ALLOWED, &format!("Use one of {allowed}."));
            refused.headers_mut().insert(ALLOW, HeaderValue::from_static(allowed));
            refused
        }
    }
}

async fn replace_plan(control: &Control, headers: &HeaderMap, body: Incoming) -> Response<Full<Bytes>> {
    let media_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if !media_type.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("application/json") {
        return error(StatusCode::UNSUPPORTED_MEDIA_TYPE, "Send the body with Content-Type: application/json.");
    }
    let body = match timeout(BODY, Limited::new(body, BODY_BYTES).collect()).await {
        Ok(Ok(body)) => body.to_bytes(),
        Ok(Err(reason)) if reason.is::<LengthLimitError>() => {
            return error(StatusCode::PAYLOAD_TOO_LARGE, &format!("The body has more than {BODY_BYTES} bytes."));
        }
        Ok(Err(_)) => return error(StatusCode::BAD_REQUEST, "The body ended early."),
        Err(_) => return error(StatusCode::REQUEST_TIMEOUT, "The body did not arrive in time."),
    };
    match parse_plan(&body) {
        Ok(plan) => {
            control.plan.replace(&plan).await;
            json_body(StatusCode::OK, &form::plan(&control.plan.current()))
        }
        Err(problems) => {
            let problems: Vec<_> = problems.lines().collect();
            json_body(StatusCode::BAD_REQUEST, &json!({ "error": "The plan is not valid.", "problems": problems }))
        }
    }
}

/// A file of a closed list: no other name reaches the disk.
fn file(control: &Control, name: &str) -> Response<Full<Bytes>> {
    if !file_names().iter().any(|known| known == name) {
        return error(StatusCode::NOT_FOUND, &format!("No such file. Available: {}.", file_names().join(", ")));
    }
    match std::fs::read(control.folder.join(name)) {
        Ok(bytes) => respond(StatusCode::OK, "application/x-pem-file", bytes),
        Err(_) => error(StatusCode::NOT_FOUND, "This simulation has no such file: clients-rsa needs --rsa."),
    }
}

fn file_names() -> Vec<String> {
    let clients = ["clients", "clients-rsa"]
        .into_iter()
        .flat_map(|folder| ORGANISATIONS.iter().map(move |organisation| format!("{folder}/{}", organisation.word)));
    let refused = RefusedClient::ALL.map(|problem| format!("clients-refused/{}", problem.code()));
    let pairs = clients.chain(refused).flat_map(|name| [format!("{name}.pem"), format!("{name}.key")]);
    std::iter::once("ca.pem".to_owned()).chain(pairs).collect()
}

fn error(status: StatusCode, text: &str) -> Response<Full<Bytes>> {
    json_body(status, &json!({ "error": text }))
}

fn json_body(status: StatusCode, value: &Value) -> Response<Full<Bytes>> {
    respond(status, "application/json", format!("{value:#}\n"))
}

fn respond(status: StatusCode, media_type: &'static str, body: impl Into<Bytes>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    response
}
