//! The policy decision, compared with a reference model written from docs/reference/domain.md
//! "Who may ask" and docs/reference/contract.md "Status".
//!
//! The model shares no code with `ehealth_core::policy`: its organisations and fields are plain
//! numbers, its contexts and applications are texts, and its calendar is a list of days made by counting
//! ([`Calendar`]). Both must decide a million random questions alike, under random legal contexts, by
//! random callers with random applications, under random grants, drawn towards the edges. Small sets (every grant, every pair of validities) are tested completely. The random
//! numbers are the same in every run. Python's tz database checks the day in Brussels.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Arc;

use ehealth_core::model::{
    Application, AskedCriteria, AskedDates, CbeNumber, CriteriaDates, Customer, CustomerId, Date, DateError, Digest,
    EndUser, EnterpriseNumber, Field, FieldSet, LegalContext, PairNumber, Period, Question, Ssin, SsinError, Timestamp,
    Translated, Window, WrongDates,
};
use ehealth_core::policy::{
    ActsFor, Certified, Consumer, ContextDefinition, Contexts, DateRule, Deliberation, Denied, EndUserRule, Grant,
    NotIdentified, Permit, Reach, Refusal, Register, RegisterError, Relation, Rule, decide,
};

use crate::support::python::Python;
use crate::support::random::Random;

/// Questions per run: registers × questions for each.
const REGISTERS: usize = 5_000;
const QUESTIONS: usize = 200;

/// Milliseconds.
const HOUR: i64 = 3_600_000;

// ---- the calendar: a counted list of days

/// Every day from 1890 to 2160, in order. A day is its index in the list.
struct Calendar {
    days: Vec<(u32, u32, u32)>,
    places: BTreeMap<(u32, u32, u32), usize>,
    /// Indexes of 28 and 29 February and 1 March.
    around_leap_days: Vec<usize>,
}

impl Calendar {
    fn count() -> Self {
        let mut days = Vec::new();
        for year in 1890..=2160 {
            let is_leap = year % 400 == 0 || (year % 4 == 0 && year % 100 != 0);
            let lengths = [31, if is_leap { 29 } else { 28 }, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
            for (month, length) in (1..).zip(lengths) {
                days.extend((1..=length).map(|day| (year, month, day)));
            }
        }
        let places: BTreeMap<_, _> = days.iter().copied().zip(0..).collect();
        let is_around = |place: &usize| matches!(days[*place], (_, 2, 28 | 29) | (_, 3, 1));
        let around_leap_days = (0..days.len()).filter(is_around).collect();
        Self { days, places, around_leap_days }
    }

    /// The same day `years` earlier; in a year without that day, the previous day.
    fn years_back(&self, day: usize, years: u32) -> usize {
        let (year, month, mut of_month) = self.days[day];
        loop {
            if let Some(place) = self.places.get(&(year - years, month, of_month)) {
                return *place;
            }
            of_month -= 1;
        }
    }

    fn place(&self, year: u32, month: u32, day: u32) -> usize {
        self.places[&(year, month, day)]
    }

    /// As a date of the program, converted through text.
    fn date(&self, day: usize) -> Date {
        let (year, month, day) = self.days[day];
        Date::parse(&format!("{year:04}-{month:02}-{day:02}")).expect("the calendar has the day")
    }
}

// ---- the reference model

/// Identification of a customer: `Ok` for ten digits, `Err` for sector and institution.
type Named = Result<u64, (u16, u16)>;

#[derive(Debug, Clone)]
struct ModelGrant {
    /// Index of its context.
    context: usize,
    back_years: u32,
    ahead_days: usize,
    /// First and last day of validity.
    valid: (usize, Option<usize>),
    /// Distinguishes this grant from the others.
    deliberation: String,
}

/// Whether a question names an end user: it may, it must, it must not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ModelEndUser {
    Free,
    Demanded,
    Refused,
}

#[derive(Debug, Clone)]
struct ModelContext {
    code: &'static str,
    /// First and last day.
    valid: (usize, Option<usize>),
    end_user: ModelEndUser,
    /// Only the day of the question may be asked about.
    today_only: bool,
}

/// A random policy.
#[derive(Debug, Clone)]
struct ModelPolicy {
    contexts: Vec<ModelContext>,
    consumers: Vec<ModelConsumer>,
}

#[derive(Debug, Clone)]
struct ModelConsumer {
    organisation: u64,
    /// Empty: every application that no other consumer of the organisation lists, and none.
    applications: Vec<&'static str>,
    acts_for: Vec<(Named, u64)>,
    grants: Vec<ModelGrant>,
}

#[derive(Debug, Clone, Copy)]
enum ModelDates {
    Today,
    Reference(Option<usize>),
    Period(Option<usize>, Option<usize>),
}

#[derive(Debug, Clone)]
struct ModelQuestion {
    /// Organisation and application of the certificate.
    certified: Option<(u64, Option<&'static str>)>,
    has_end_user: bool,
    customer: Named,
    context: String,
    ssin: Result<Ssin, SsinError>,
    dates: ModelDates,
    today: usize,
}

/// The decision as text, the same for the model and the program.
type Verdict = String;

/// Codes of contexts that a policy may define.
const CONTEXTS: [&str; 5] = [
    "BACKTOWORK:ADVISORY_PHYSICIAN",
    "BACKTOWORK:PREVENTION_SERVICE",
    "BACKTOWORK:EHEALTH_PLATFORM",
    "TRIO:PLATFORM",
    "TRIO:PLATFORM.2",
];

const APPLICATIONS: [&str; 4] = ["MED", "MED 2", "MARKETING", "med"];

/// Whether a day lies in a validity.
fn covers(valid: (usize, Option<usize>), day: usize) -> bool {
    valid.0 <= day && valid.1.is_none_or(|last| day <= last)
}

/// Checks in the order of docs/reference/contract.md "Status": caller, application, customer, legal
/// context, end user, SSIN, dates.
fn decide_by_model(calendar: &Calendar, policy: &ModelPolicy, asked: &ModelQuestion) -> Verdict {
    let Some((organisation, application)) = asked.certified else { return "no organisation".to_owned() };
    let own: Vec<_> = policy.consumers.iter().filter(|consumer| consumer.organisation == organisation).collect();
    if own.is_empty() {
        return "not-registered".to_owned();
    }
    let names_it = |consumer: &&&ModelConsumer| application.is_some_and(|name| consumer.applications.contains(&name));
    let names_none = |consumer: &&&ModelConsumer| consumer.applications.is_empty();
    let Some(consumer) = own.iter().find(names_it).or_else(|| own.iter().find(names_none)) else {
        return "other-application".to_owned();
    };
    let listed = consumer.acts_for.iter().find(|(named, _)| *named == asked.customer).map(|(_, meant)| *meant);
    let own = (asked.customer == Ok(consumer.organisation)).then_some(consumer.organisation);
    let Some(organisation) = own.or(listed) else { return "foreign customer".to_owned() };

    let defined = policy.contexts.iter().position(|context| context.code == asked.context);
    let Some(index) = defined else { return "MSG00013 unknown-context".to_owned() };
    let context = &policy.contexts[index];
    let of_context: Vec<_> = consumer.grants.iter().filter(|grant| grant.context == index).collect();
    if of_context.is_empty() {
        return "MSG00013 context-not-granted".to_owned();
    }
    if !covers(context.valid, asked.today) {
        return "MSG00013 context-not-valid".to_owned();
    }
    let holds = |grant: &&&ModelGrant| covers(grant.valid, asked.today);
    let Some(grant) = of_context.iter().find(holds) else { return "MSG00013 grant-not-valid".to_owned() };

    match (context.end_user, asked.has_end_user) {
        (ModelEndUser::Demanded, false) => return "end-user-missing".to_owned(),
        (ModelEndUser::Refused, true) => return "end-user-refused".to_owned(),
        (ModelEndUser::Free | ModelEndUser::Demanded | ModelEndUser::Refused, _) => {}
    }
    let Ok(ssin) = asked.ssin else { return "MSG00011 invalid-ssin".to_owned() };

    let (earliest, latest) = if context.today_only {
        (asked.today, asked.today)
    } else {
        (calendar.years_back(asked.today, grant.back_years), asked.today + grant.ahead_days)
    };
    let is_right = |day: Option<usize>| day.is_some_and(|day| (earliest..=latest).contains(&day));
    let why = |day: Option<usize>| if day.is_none() { "NOT_A_DATE" } else { "OUTSIDE_GRANT" };
    let printed = |day: usize| calendar.date(day);
    let dates = match asked.dates {
        ModelDates::Today => format!("day {}", printed(asked.today)),
        ModelDates::Reference(Some(day)) if is_right(Some(day)) => format!("day {}", printed(day)),
        ModelDates::Reference(day) => return wrong_dates(context, &format!(" referenceDate {}", why(day))),
        ModelDates::Period(Some(begin), Some(end)) if begin > end => return wrong_dates(context, " period REVERSED"),
        ModelDates::Period(begin, end) => {
            let mut wrong = String::new();
            for (name, day) in [("beginDate", begin), ("endDate", end)] {
                if !is_right(day) {
                    let _ = write!(wrong, " {name} {}", why(day));
                }
            }
            match (begin, end) {
                (Some(begin), Some(end)) if wrong.is_empty() => format!("days {} {}", printed(begin), printed(end)),
                _ => return wrong_dates(context, &wrong),
            }
        }
    };
    permitted(organisation, &grant.deliberation, ssin, &dates, printed(asked.today))
}

/// The rule is another one where the context allows today alone.
fn wrong_dates(context: &ModelContext, wrong: &str) -> Verdict {
    let rule = if context.today_only && wrong.contains("OUTSIDE") { "not-today" } else { "wrong-dates" };
    format!("MSG00008 {rule}{wrong}")
}

fn permitted(organisation: u64, deliberation: &str, ssin: Ssin, dates: &str, today: Date) -> Verdict {
    format!("permitted {organisation} {deliberation} {} {dates} {today}", ssin.as_u64())
}

// ---- the program under the same questions

fn ask(calendar: &Calendar, register: &Register, asked: &ModelQuestion) -> Verdict {
    let day = |day: Option<usize>| day.map(|day| calendar.date(day)).ok_or(DateError);
    let certified = asked.certified.map(|(number, application)| certify(number, application));
    let customer = customer(asked.customer);
    let question = Question {
        customer: Customer { ticket: None, timestamp_sent: None, id: customer },
        legal_context: asked.context.clone(),
        end_user: asked.has_end_user.then(|| EndUser::new("I".into(), "Q".into(), None).expect("short")),
        criteria: AskedCriteria {
            ssin: asked.ssin,
            dates: match asked.dates {
                ModelDates::Today => AskedDates::Today,
                ModelDates::Reference(reference) => AskedDates::ReferenceDate(day(reference)),
                ModelDates::Period(begin, end) => AskedDates::Period { begin: day(begin), end: day(end) },
            },
        },
    };
    let (consumer, organisation) = match register.identify(certified, customer) {
        Ok(identified) => identified,
        Err(NotIdentified::ForeignCustomer) => return "foreign customer".to_owned(),
        Err(NotIdentified::NoOrganisation) => return "no organisation".to_owned(),
        Err(reason) => return Rule::from(reason).code().to_owned(),
    };
    let context = register.contexts().find(&asked.context).map(AsRef::as_ref);
    match decide(&consumer, organisation, &question, context, calendar.date(asked.today)) {
        Ok(permit) => of_permit(&permit),
        Err(Denied::Refused { refusal, .. }) => of_refusal(refusal),
        Err(Denied::EndUser(fault)) => Rule::from(fault).code().to_owned(),
    }
}

/// A certificate of this organisation and application, whatever its key.
fn certify(organisation: u64, application: Option<&str>) -> Certified {
    let nothing = Digest::new([9; 32]);
    let organisation = EnterpriseNumber::from_u64(organisation).expect("valid by construction");
    let application = application.map(|name| Application::parse(name).expect("a name"));
    Certified { application, ..Certified::new(organisation, nothing, nothing) }
}

fn of_permit(permit: &Permit) -> Verdict {
    let criteria = permit.criteria();
    let dates = match criteria.dates {
        CriteriaDates::ReferenceDate(day) => {
            assert_eq!(criteria.window(), Window::new(day));
            format!("day {day}")
        }
        CriteriaDates::Period(window) => {
            assert_eq!(criteria.window(), window);
            format!("days {} {}", window.from(), window.to())
        }
    };
    let deliberation = permit.grant().deliberation.as_str();
    permitted(permit.organisation().as_u64(), deliberation, criteria.ssin, &dates, permit.today())
}

fn of_refusal(refusal: Refusal) -> Verdict {
    let (code, rule) = (refusal.status().code(), Rule::from(refusal).code());
    match refusal {
        Refusal::NoGrant(_) | Refusal::NotAnSsin(_) => format!("{code} {rule}"),
        Refusal::WrongDates(dates) | Refusal::NotToday(dates) | Refusal::TooManyDates(dates) => {
            let fields: Vec<_> = dates.fields().map(|(name, why)| format!("{name} {why}")).collect();
            format!("{code} {rule} {}", fields.join(" "))
        }
    }
}

fn customer(named: Named) -> CustomerId {
    match named {
        Ok(number) => CustomerId::Cbe(CbeNumber::parse(&format!("{number:010}")).expect("ten digits")),
        Err((sector, institution)) => {
            CustomerId::Pair { sector: PairNumber::new(sector), institution: PairNumber::new(institution) }
        }
    }
}

/// The definitions of the model's contexts.
fn contexts(calendar: &Calendar, contexts: &[ModelContext]) -> Contexts {
    let definition = |context: &ModelContext| ContextDefinition {
        context: LegalContext::parse(context.code).expect("a code"),
        deliberation: Deliberation::parse("16/108").expect("a number"),
        fields: FieldSet::ALL,
        relations: Relation::ALL.to_vec(),
        valid: period(calendar, context.valid),
        purpose: Translated {
            dutch: "doel".to_owned(),
            french: "but".to_owned(),
            german: "Zweck".to_owned(),
            english: "purpose".to_owned(),
        },
        end_user: match context.end_user {
            ModelEndUser::Free => EndUserRule::Optional,
            ModelEndUser::Demanded => EndUserRule::Required,
            ModelEndUser::Refused => EndUserRule::Refused,
        },
        dates: if context.today_only { DateRule::Today } else { DateRule::Any },
    };
    Contexts::new(contexts.iter().map(definition).collect()).expect("valid contexts")
}

fn period(calendar: &Calendar, valid: (usize, Option<usize>)) -> Period {
    Period::from_days(calendar.date(valid.0), valid.1.map(|day| calendar.date(day))).expect("not reversed")
}

fn register(calendar: &Calendar, policy: &ModelPolicy) -> Register {
    let contexts = contexts(calendar, &policy.contexts);
    let number = |number: u64| EnterpriseNumber::from_u64(number).expect("valid by construction");
    let of_grant = |grant: &ModelGrant| {
        let context = contexts.find(policy.contexts[grant.context].code).map(Arc::clone).expect("defined");
        let own_reach = Reach {
            back_years: u16::try_from(grant.back_years).expect("a few years"),
            ahead_days: u16::try_from(grant.ahead_days).expect("some days"),
        };
        Arc::new(Grant {
            fields: FieldSet::EMPTY.with(Field::Ssin),
            relation: Relation::Insured,
            reach: context.dates.reach().unwrap_or(own_reach),
            valid: period(calendar, grant.valid),
            context,
            deliberation: Deliberation::parse(&grant.deliberation).expect("a number"),
        })
    };
    let of_consumer = |consumer: &ModelConsumer| Consumer {
        acts_for: consumer
            .acts_for
            .iter()
            .map(|(named, meant)| ActsFor { named: customer(*named), organisation: number(*meant) })
            .collect(),
        applications: consumer.applications.iter().map(|name| Application::parse(name).expect("a name")).collect(),
        grants: consumer.grants.iter().map(of_grant).collect(),
        ..Consumer::new(number(consumer.organisation), "Consumer")
    };
    let consumers = policy.consumers.iter().map(of_consumer).collect();
    Register::new(contexts.clone(), consumers).expect("a valid register")
}

// ---- random values

/// A day within two of this one.
fn near(random: &mut Random, day: usize) -> usize {
    day + random.index(5) - 2
}

fn organisations() -> [u64; 5] {
    [2_022_399, 8_093_944, 4_000_001, 10_000_002, 12_345_679].map(|base| base * 100 + 97 - base % 97)
}

/// Customers that are not organisations: establishment units, wrong check digits, pairs.
const OTHER_NAMES: [Named; 5] = [Ok(2_022_399_510), Ok(8_000_000_000), Ok(202_239_950), Err((11, 7)), Err((0, 999))];

/// The day of all questions to one register: often around a leap day or the turn of a year.
fn draw_today(random: &mut Random, calendar: &Calendar) -> usize {
    let (first, last) = (calendar.place(2000, 1, 1), calendar.place(2050, 12, 31));
    let year = 2000 + u32::try_from(random.index(50)).expect("a few");
    match random.index(4) {
        0 => {
            let leap_days: Vec<_> =
                calendar.around_leap_days.iter().copied().filter(|day| (first..last).contains(day)).collect();
            random.pick(&leap_days)
        }
        1 => near(random, calendar.place(year, 12, 31)),
        _ => first + random.index(last - first),
    }
}

/// Contexts that often begin or end near today.
fn draw_contexts(random: &mut Random, today: usize) -> Vec<ModelContext> {
    let mut contexts = Vec::new();
    for code in CONTEXTS {
        if random.one_in(4) {
            continue;
        }
        let valid = match random.index(6) {
            0 => (near(random, today), None),
            1 => (today - 100, Some(near(random, today))),
            _ => (today - 1_000, None),
        };
        let end_user =
            random.pick(&[ModelEndUser::Free, ModelEndUser::Free, ModelEndUser::Demanded, ModelEndUser::Refused]);
        contexts.push(ModelContext { code, valid, end_user, today_only: random.one_in(4) });
    }
    let turn = random.index(contexts.len() + 1);
    contexts.rotate_left(turn);
    contexts
}

/// Lists of applications for the consumers of one organisation: no application in two of them, at
/// most one list empty.
fn draw_applications(random: &mut Random) -> Vec<Vec<&'static str>> {
    let mut lists = match random.index(4) {
        0 | 1 => vec![Vec::new()],
        2 => vec![vec!["MED", "MED 2"], vec!["MARKETING"]],
        _ => vec![vec!["MED"], Vec::new(), vec!["MARKETING"]],
    };
    let turn = random.index(lists.len());
    lists.rotate_left(turn);
    lists
}

fn draw_policy(random: &mut Random, today: usize) -> ModelPolicy {
    let contexts = draw_contexts(random, today);
    let mut consumers = Vec::new();
    let mut serial = 0;
    let known = 1 + random.index(4);
    let of_organisation = |organisation| move |applications| (organisation, applications);
    let mut listed = Vec::new();
    for organisation in organisations().into_iter().take(known) {
        listed.extend(draw_applications(random).into_iter().map(of_organisation(organisation)));
    }
    for (organisation, applications) in listed {
        let mut acts_for = Vec::new();
        for named in organisations().map(Ok).into_iter().chain(OTHER_NAMES) {
            if named != Ok(organisation) && random.one_in(4) {
                acts_for.push((named, random.pick(&organisations())));
            }
        }
        let mut grants = Vec::new();
        for (context, defined) in contexts.iter().enumerate() {
            // Up to three consecutive grants, with or without a day between them; the last may be
            // open.
            let mut begin = today - random.index(120);
            for _ in 0..random.index(4) {
                let last = begin + random.index(60);
                let valid = (begin, if random.one_in(4) { None } else { Some(last) });
                // A grant without a day in common with its context is an error.
                let has_day = valid.1.is_none_or(|last| defined.valid.0 <= last)
                    && defined.valid.1.is_none_or(|last| valid.0 <= last);
                if !has_day {
                    begin = last + 1 + random.index(2);
                    continue;
                }
                serial += 1;
                grants.push(ModelGrant {
                    context,
                    back_years: random.pick(&[0, 1, 3, 4, 5, 5, 8, 100]),
                    ahead_days: random.pick(&[0, 1, 90, 90, 365, 3_660]),
                    valid,
                    deliberation: format!("16/{serial}"),
                });
                if valid.1.is_none() {
                    break;
                }
                begin = last + 1 + random.index(2);
            }
        }
        // Their order in the file must not matter.
        let turn = random.index(grants.len() + 1);
        grants.rotate_left(turn);
        consumers.push(ModelConsumer { organisation, applications, acts_for, grants });
    }
    ModelPolicy { contexts, consumers }
}

fn draw_question(random: &mut Random, calendar: &Calendar, policy: &ModelPolicy, today: usize) -> ModelQuestion {
    let consumer = random.pick(&policy.consumers);
    let application = match (random.index(6), consumer.applications.as_slice()) {
        (0, _) => Some(random.pick(&APPLICATIONS)),
        (1, _) | (_, []) => None,
        (_, names) => Some(random.pick(names)),
    };
    let certified = match random.index(20) {
        0 => None,
        1 => Some((random.pick(&organisations()), application)),
        _ => Some((consumer.organisation, application)),
    };
    let customer = match random.index(10) {
        0 => random.pick(&OTHER_NAMES),
        1 => Ok(random.pick(&organisations())),
        2 | 3 if !consumer.acts_for.is_empty() => random.pick(&consumer.acts_for).0,
        _ => Ok(consumer.organisation),
    };
    let context = match random.index(12) {
        0 => random.pick(&["", "BACKTOWORK", "backtowork:ehealth_platform", "BACKTOWORK:EHEALTH_PLATFORM ", "A:B"]),
        _ => random.pick(&CONTEXTS),
    };
    let ssin = match random.index(12) {
        0 => Err(random.pick(&[SsinError::Form, SsinError::Pattern, SsinError::CheckDigits])),
        _ => {
            let born = u64::try_from(random.index(12 * 28)).expect("a day of 1985");
            let base = 850_000_999 + (born / 28 + 1) * 100_000 + (born % 28 + 1) * 1_000;
            Ssin::from_u64(base * 100 + 97 - base % 97)
        }
    };
    let has_end_user = random.one_in(2);
    let grant = consumer.grants.first();
    let back = grant.map_or(5, |grant| grant.back_years);
    let ahead = grant.map_or(90, |grant| grant.ahead_days);
    let mut day = || match random.index(12) {
        0 => None,
        1..=4 => Some(near(random, calendar.years_back(today, back))),
        5..=7 => Some(near(random, today + ahead)),
        8 | 9 => Some(near(random, today)),
        _ => Some(today + random.index(8_000) - 4_000),
    };
    let (one, other) = (day(), day());
    let dates = match random.index(8) {
        0 => ModelDates::Today,
        1..=3 => ModelDates::Reference(one),
        4 => ModelDates::Period(one, other),
        // Usually in order, as callers write the dates.
        _ => ModelDates::Period(one.min(other).or(one), one.max(other)),
    };
    ModelQuestion { certified, has_end_user, customer, context: context.to_owned(), ssin, dates, today }
}

#[test]
fn a_million_decisions_match_the_reference_model() {
    let calendar = Calendar::count();
    let mut random = Random::new(16_108);
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for _ in 0..REGISTERS {
        let today = draw_today(&mut random, &calendar);
        let policy = draw_policy(&mut random, today);
        let register = register(&calendar, &policy);
        for _ in 0..QUESTIONS {
            let asked = draw_question(&mut random, &calendar, &policy, today);
            let expected = decide_by_model(&calendar, &policy, &asked);
            let decided = ask(&calendar, &register, &asked);
            assert_eq!(decided, expected, "{asked:#?}\n{policy:#?}");
            let kind = if expected.starts_with("permitted") { "permitted" } else { &expected };
            match seen.get_mut(kind) {
                Some(times) => *times += 1,
                None => drop(seen.insert(kind.to_owned(), 1)),
            }
        }
    }
    // A rare verdict was not compared.
    let verdicts = [
        "permitted",
        "no organisation",
        "not-registered",
        "other-application",
        "foreign customer",
        "MSG00013 unknown-context",
        "MSG00013 context-not-granted",
        "MSG00013 context-not-valid",
        "MSG00013 grant-not-valid",
        "end-user-missing",
        "end-user-refused",
        "MSG00011 invalid-ssin",
        "MSG00008 wrong-dates referenceDate NOT_A_DATE",
        "MSG00008 wrong-dates referenceDate OUTSIDE_GRANT",
        "MSG00008 wrong-dates beginDate NOT_A_DATE",
        "MSG00008 wrong-dates beginDate OUTSIDE_GRANT",
        "MSG00008 wrong-dates endDate NOT_A_DATE",
        "MSG00008 wrong-dates endDate OUTSIDE_GRANT",
        "MSG00008 wrong-dates beginDate NOT_A_DATE endDate NOT_A_DATE",
        "MSG00008 wrong-dates beginDate NOT_A_DATE endDate OUTSIDE_GRANT",
        "MSG00008 wrong-dates beginDate OUTSIDE_GRANT endDate NOT_A_DATE",
        "MSG00008 wrong-dates beginDate OUTSIDE_GRANT endDate OUTSIDE_GRANT",
        "MSG00008 wrong-dates period REVERSED",
        "MSG00008 not-today referenceDate OUTSIDE_GRANT",
        "MSG00008 not-today beginDate OUTSIDE_GRANT",
        "MSG00008 not-today endDate OUTSIDE_GRANT",
        "MSG00008 not-today beginDate NOT_A_DATE endDate OUTSIDE_GRANT",
        "MSG00008 not-today beginDate OUTSIDE_GRANT endDate NOT_A_DATE",
        "MSG00008 not-today beginDate OUTSIDE_GRANT endDate OUTSIDE_GRANT",
    ];
    assert!(verdicts.iter().all(|verdict| seen.get(*verdict).is_some_and(|times| *times > 100)), "{seen:#?}");
    assert_eq!((seen.len(), seen.values().sum::<usize>()), (verdicts.len(), REGISTERS * QUESTIONS));
}

#[test]
fn years_back_are_calendar_years_even_at_leap_days() {
    let calendar = Calendar::count();
    let mut compared = 0;
    let leap_days = calendar.around_leap_days.iter().filter(|day| calendar.days[**day].0 >= 2000);
    for day in leap_days.filter(|day| calendar.days[**day].0 <= 2160) {
        for years in 0..=100_u16 {
            let back = calendar.years_back(*day, u32::from(years));
            assert_eq!(calendar.date(*day).minus_years(years), calendar.date(back));
            compared += 1;
        }
    }
    assert!(compared > 30_000, "{compared}");
}

#[test]
fn days_ahead_are_calendar_days() {
    let calendar = Calendar::count();
    let first = calendar.place(2000, 1, 1);
    for day in (first..first + 12_000).step_by(7) {
        for days in [0, 1, 28, 90, 365, 366, 3_660] {
            let ahead = i32::try_from(days).expect("some days");
            assert_eq!(calendar.date(day).plus_days(ahead), calendar.date(day + days));
        }
    }
}

#[test]
fn every_possible_grant_is_decided_as_the_table_says() {
    // Context, the fields that may be granted, the required relation: docs/reference/domain.md
    // "Who may ask".
    let table = [
        ("BACKTOWORK:ADVISORY_PHYSICIAN", "12345678", Some("insured")),
        ("BACKTOWORK:PREVENTION_SERVICE", "129", Some("affiliated-employer")),
        ("BACKTOWORK:EHEALTH_PLATFORM", "123456789", None),
    ];
    let mut stands = 0;
    for (context, may_be_granted, demanded) in table {
        for relation in ["none", "insured", "affiliated-employer"] {
            for bits in 0..512_u16 {
                let numbers: String =
                    ('1'..='9').zip(0..).filter(|(_, bit)| bits >> bit & 1 == 1).map(|(number, _)| number).collect();
                let has = |number: char| numbers.contains(number);
                let may_stand = numbers.chars().all(|number| may_be_granted.contains(number))
                    && demanded.is_none_or(|demanded| demanded == relation)
                    && has('3') == has('4')
                    && has('7') == has('8')
                    && !numbers.is_empty();
                let granted = numbers.bytes().filter_map(|number| Field::from_number(number - b'0'));
                let grant = Grant {
                    context: Contexts::built_in().find(context).map(Arc::clone).expect("of the table"),
                    fields: granted.collect(),
                    relation: Relation::parse(relation).expect("of the three"),
                    reach: Reach::default(),
                    valid: Period::from_days(Date::MIN, None).expect("open"),
                    deliberation: Deliberation::parse("16/108").expect("a number"),
                };
                assert_eq!(grant.check().is_empty(), may_stand, "{context} {relation} {numbers}");
                stands += usize::from(may_stand);
            }
        }
    }
    // 2^4 sets of single fields and 2^2 of pairs without the empty one; 2^3; three relations with
    // 2^5 and 2^2.
    assert_eq!(stands, 63 + 7 + 3 * 127);
}

#[test]
fn two_grants_for_one_context_do_not_overlap() {
    let calendar = Calendar::count();
    let first = calendar.place(2024, 2, 26);
    let mut validities = Vec::new();
    for begin in 0..5 {
        validities.push((begin, None));
        validities.extend((begin..6).map(|end| (begin, Some(end))));
    }
    let days = |(begin, end): (usize, Option<usize>)| (begin..=end.unwrap_or(9)).collect::<Vec<_>>();
    for one in &validities {
        for other in &validities {
            for same_context in [true, false] {
                let shares = days(*one).iter().any(|day| days(*other).contains(day));
                let errors = overlap(&calendar, first, *one, *other, if same_context { 0 } else { 2 });
                assert_eq!(errors.is_empty(), !(shares && same_context), "{one:?} {other:?}");
            }
        }
    }
}

/// Errors of a register in which one consumer has these two grants, the second for another context
/// or the same one.
fn overlap(
    calendar: &Calendar,
    first: usize,
    one: (usize, Option<usize>),
    other: (usize, Option<usize>),
    context: usize,
) -> Vec<RegisterError> {
    let free = |code| ModelContext { code, valid: (0, None), end_user: ModelEndUser::Free, today_only: false };
    let contexts = contexts(calendar, &CONTEXTS.map(free));
    let grant = |context: usize, (begin, end): (usize, Option<usize>)| {
        let context = contexts.iter().nth(context).map(Arc::clone).expect("one of the three");
        let valid = Period::from_days(calendar.date(first + begin), end.map(|end| calendar.date(first + end)));
        Arc::new(Grant {
            context,
            fields: FieldSet::EMPTY.with(Field::Ssin),
            relation: Relation::Insured,
            reach: Reach::default(),
            valid: valid.expect("not reversed"),
            deliberation: Deliberation::parse("16/108").expect("a number"),
        })
    };
    let organisation = EnterpriseNumber::from_u64(organisations()[0]).expect("valid by construction");
    let grants = vec![grant(0, one), grant(context, other)];
    let consumer = Consumer { grants, ..Consumer::new(organisation, "Consumer") };
    Register::new(contexts.clone(), vec![consumer]).err().unwrap_or_default()
}

#[test]
fn every_date_error_uses_the_text_of_the_contract() {
    let text =
        |dates: WrongDates| dates.fields().map(|(name, why)| format!("{name} {why}")).collect::<Vec<_>>().join(" ");
    let all: Vec<_> = WrongDates::all().map(text).collect();
    assert_eq!(
        all,
        [
            "referenceDate NOT_A_DATE",
            "beginDate NOT_A_DATE",
            "endDate NOT_A_DATE",
            "referenceDate OUTSIDE_GRANT",
            "beginDate OUTSIDE_GRANT",
            "endDate OUTSIDE_GRANT",
            "beginDate NOT_A_DATE endDate NOT_A_DATE",
            "beginDate NOT_A_DATE endDate OUTSIDE_GRANT",
            "beginDate OUTSIDE_GRANT endDate NOT_A_DATE",
            "beginDate OUTSIDE_GRANT endDate OUTSIDE_GRANT",
            "period REVERSED",
        ]
    );
}

#[test]
fn a_day_begins_in_brussels_when_the_tz_database_says_so() {
    let Some(python) = Python::find() else { return };
    let calendar = Calendar::count();
    let epoch = i64::try_from(calendar.place(1970, 1, 1)).expect("an index in the list");
    let midnight = |year: u32, month: u32, day: u32| {
        (i64::try_from(calendar.place(year, month, day)).expect("an index in the list") - epoch) * 24 * HOUR
    };
    let mut moments = Vec::new();
    for year in 2000..=2040 {
        // Clocks change on a Sunday among the last seven days of March and of October.
        for (from, to) in [((3, 24), (4, 2)), ((10, 24), (11, 2))] {
            let mut hour = midnight(year, from.0, from.1);
            while hour < midnight(year, to.0, to.1) {
                moments.extend([hour - 1, hour, hour + 1, hour + HOUR / 2]);
                hour += HOUR;
            }
        }
        for month in 1..=12 {
            moments.extend([-2, -1, 0].map(|hours| midnight(year, month, 1) + hours * HOUR));
        }
    }
    let (first, last) = (midnight(2000, 1, 1), midnight(2041, 1, 1));
    let mut random = Random::new(1);
    for _ in 0..20_000 {
        let span = usize::try_from(last - first).expect("64 bits");
        moments.push(first + i64::try_from(random.index(span)).expect("64 bits"));
    }

    let folder = tempfile::tempdir().expect("a folder for the timestamps");
    let file = folder.path().join("moments.txt");
    let lines: Vec<_> = moments.iter().map(i64::to_string).collect();
    std::fs::write(&file, lines.join("\n")).expect("a file in that folder");
    let printed = python.run("brussels.py", [&file]).unwrap_or_else(|printed| panic!("{printed}"));
    let days: Vec<_> = printed.lines().collect();
    assert_eq!(days.len(), moments.len());
    for (moment, day) in moments.iter().zip(days) {
        let moment = Timestamp::from_millis(*moment);
        assert_eq!(moment.brussels_day().to_string(), day, "{moment}");
    }
}
