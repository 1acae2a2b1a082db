//! The pipeline from question to answer, checked against a second reading of the rules over random
//! small cases.
//!
//! `tests/it/support/oracle.rs` is the second reading. The cases are small so that borders meet:
//! periods are placed beside each other on purpose (same day, touching, one day between, open), and
//! one test checks that each border and each status occurs. Nothing here asks how a rule is
//! programmed; everything goes through `Presented` … `Answer`.
//!
//! The random cases are the same in every run (fixed seed), so that the result of a commit is
//! reproducible. `PROPTEST_RNG_SEED` and `PROPTEST_CASES` choose others; a failure that they find
//! becomes a named test here.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ehealth_core::lookup::{
    Answer, AuditSink, Caller, Directory, DirectoryError, Exchange, ExchangeRecord, FreshnessLimits, Operation,
    Pending, Permission, Permitted, Presented, RecordFailure, Recordable, Recorded, Resolved, record,
};
use ehealth_core::model::{
    Affiliation, AskedCriteria, AskedDates, CbeNumber, CriteriaDates, Customer, CustomerId, Dataset, DatasetStates,
    DateError, Digest, Disclosure, EmploymentPeriod, EnterpriseNumber, Field, FieldSet, LegalContext, Membership,
    OutcomeCode, Period, Question, ServiceKind, Ssin, SsinError, Status, Ticket, Window, WrongDate, WrongDates,
};
use ehealth_core::policy::{
    Certified, Consumer, ContextDefinition, Contexts, Deliberation, Grant, NoGrant, NotIdentified, Reach, Refusal,
    Register, Relation, ReplacedSsin, Rule,
};
use proptest::bool::weighted;
use proptest::collection::vec;
use proptest::prelude::{Just, Strategy};
use proptest::sample::select;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngSeed, TestRunner};
use proptest::{prop_assert_eq, prop_oneof};

use crate::support::oracle::{Asked, Expected, Freshness, LIMIT_MILLIS, Record, Sources, Span, date, noon};

/// Random cases of one run.
const CASES: u32 = 120_000;

/// Day of every question.
const TODAY: u32 = 12;

// ---- persons and organisations

/// The person whose number has these nine digits, by the rule for those born before 2000.
fn person(nine_digits: u64) -> Ssin {
    Ssin::from_u64(nine_digits * 100 + 97 - nine_digits % 97).expect("valid by construction")
}

/// The organisation whose number has these eight digits.
fn organisation(eight_digits: u64) -> EnterpriseNumber {
    EnterpriseNumber::from_u64(eight_digits * 100 + 97 - eight_digits % 97).expect("valid by construction")
}

fn people() -> [Ssin; 5] {
    [850_730_999, 850_731_999, 610_203_999, 852_130_999, 520_000_999].map(person)
}

fn employers() -> [EnterpriseNumber; 3] {
    [4_000_001, 4_000_002, 10_000_003].map(organisation)
}

/// The first is an employer's own, an internal service.
fn services() -> [EnterpriseNumber; 3] {
    [4_000_001, 5_000_004, 4_100_005].map(organisation)
}

fn funds() -> [EnterpriseNumber; 3] {
    [6_000_006, 5_900_007, 6_100_008].map(organisation)
}

fn limits() -> FreshnessLimits {
    let limit = Duration::from_millis(LIMIT_MILLIS.unsigned_abs());
    FreshnessLimits { dimona: limit, coprev: limit, federated: limit, insurance: limit, persons: limit }
}

fn fields(numbers: &[u8]) -> FieldSet {
    numbers.iter().filter_map(|number| Field::from_number(*number)).collect()
}

// ---- through the pipeline

fn caller(organisation: EnterpriseNumber) -> Caller {
    let nothing = Digest::new([9; 32]);
    Caller { certified: Some(Certified::new(organisation, nothing, nothing)), fingerprint: nothing }
}

/// The definition of a built-in context.
fn definition(context: LegalContext) -> Arc<ContextDefinition> {
    Arc::new(ContextDefinition::built_in(context).expect("one of the three"))
}

/// A grant and a question under it.
#[derive(Debug, Clone)]
struct Case {
    sources: Sources,
    context: LegalContext,
    asked: Asked,
    dates: AskedDates,
}

impl Case {
    fn register(&self) -> Register {
        let grant = Grant {
            context: definition(self.context),
            fields: self.asked.fields,
            relation: self.asked.relation,
            reach: Reach::default(),
            valid: Period::from_days(date(0), None).expect("open"),
            deliberation: Deliberation::parse("16/108").expect("a number"),
        };
        let consumer = Consumer {
            grants: vec![Arc::new(grant)],
            replaced_ssin: if self.asked.annotated { ReplacedSsin::Annotate } else { ReplacedSsin::Refuse },
            ..Consumer::new(self.asked.organisation, "Caller")
        };
        Register::new(Contexts::built_in(), vec![consumer]).expect("the grant is within its ceiling")
    }

    fn question(&self) -> Question {
        Question {
            customer: Customer {
                ticket: Some("CALLER-1".to_owned()),
                timestamp_sent: None,
                id: CustomerId::Cbe(CbeNumber::from(self.asked.organisation)),
            },
            legal_context: self.context.code().to_owned(),
            end_user: None,
            criteria: AskedCriteria { ssin: Ok(self.asked.ssin), dates: self.dates },
        }
    }

    fn exchange(&self) -> Exchange {
        Exchange {
            ticket: Ticket::new([7; 16]),
            received: noon(self.sources.today),
            caller: caller(self.asked.organisation),
            relay: None,
        }
    }

    fn permission(&self, question: Question) -> Permission {
        let presented = Presented::new(self.exchange(), question, &self.register());
        presented.identify(&self.register()).expect("the caller is registered").permit()
    }

    fn permitted(&self) -> Permitted {
        match self.permission(self.question()) {
            Permission::Permitted(permitted) => permitted,
            Permission::Refused(_, refusal) => panic!("policy refused: {refusal}"),
            Permission::EndUser(_, fault) => panic!("policy refused: {fault}"),
        }
    }

    fn resolve(&self, mut directory: impl Directory) -> Resolved {
        self.permitted().resolve(&mut directory, &limits()).expect("the directory can be read")
    }

    fn answer(&self) -> Answer {
        release(self.resolve(&self.sources))
    }

    fn expected(&self) -> Expected {
        self.sources.answer(&self.asked)
    }
}

/// An audit sink that is durable immediately and keeps its records.
#[derive(Debug, Default)]
struct AuditLog(Mutex<Vec<ExchangeRecord>>);

impl AuditSink for AuditLog {
    fn append(&self, pending: Pending) {
        let mut entries = self.0.lock().expect("no test panics while it holds the lock");
        let sequence = u64::try_from(entries.len()).expect("a few");
        entries.extend(pending.record().exchange().cloned());
        pending.durable(sequence);
    }
}

/// Records an exchange and returns the outcome.
fn settle<T: Recordable + Send + 'static>(log: &impl AuditSink, disclosed: T) -> Result<Recorded<T>, RecordFailure> {
    let settled = Arc::new(Mutex::new(None));
    let slot = Arc::clone(&settled);
    record(disclosed, log, move |recorded| {
        let outcome = recorded.map_err(|unrecorded| unrecorded.failure);
        let before = slot.lock().expect("no test panics while it holds the lock").replace(outcome);
        assert!(before.is_none(), "settled twice");
    });
    settled.lock().expect("no test panics while it holds the lock").take().expect("was settled")
}

fn release(resolved: Resolved) -> Answer {
    settle(&AuditLog::default(), resolved).expect("durable immediately")
}

fn found(answer: &Answer) -> Expected {
    Expected {
        status: answer.status(),
        replaced_by: answer.replaced_ssin().map(|(_, by)| by),
        filtered: answer.filtered(),
        sources: answer.sources().iter().collect(),
        disclosure: answer.disclosure().cloned(),
    }
}

// ---- random cases

/// Begin of a period relative to the one before it.
#[derive(Debug, Clone, Copy)]
enum Begin {
    On(u32),
    WithTheLast,
    /// Days after the end of the last period; 1 is touching, 2 leaves one day between.
    After(u32),
    Inside,
}

fn begins() -> impl Strategy<Value = Begin> {
    prop_oneof![
        3 => (0..20_u32).prop_map(Begin::On),
        1 => Just(Begin::WithTheLast),
        3 => (1..=3_u32).prop_map(Begin::After),
        1 => Just(Begin::Inside),
    ]
}

/// Length of a period in days; `None` is open.
fn lengths() -> impl Strategy<Value = Option<u32>> {
    prop_oneof![3 => Just(Some(1)), 4 => (2..=8_u32).prop_map(Some), 2 => Just(None)]
}

fn place(begin: Begin, length: Option<u32>, last: Option<Span>) -> Span {
    let begin = match (begin, last) {
        (Begin::On(day), _) => day,
        (_, None) => 4,
        (Begin::WithTheLast, Some(last)) => last.begin,
        (Begin::After(days), Some(last)) => last.end.map_or(last.begin, |end| end + days),
        (Begin::Inside, Some(last)) => last.begin + last.end.map_or(2, |end| (end - last.begin) / 2),
    };
    // No closed period reaches the day that represents an open end.
    let begin = begin.min(40);
    Span { begin, end: length.map(|days| begin + days - 1) }
}

/// Records of a few subjects with a few others, each positioned relative to the one before.
fn records<K: Copy + std::fmt::Debug + 'static>(
    of: &[K],
    with: [EnterpriseNumber; 3],
    most: usize,
) -> impl Strategy<Value = Vec<Record<K>>> + use<K> {
    let drawn = (select(of.to_vec()), select(with.to_vec()), begins(), lengths());
    vec(drawn, most / 3..=most).prop_map(|drawn| {
        let mut records: Vec<Record<K>> = Vec::new();
        for (of, with, begin, length) in drawn {
            let when = place(begin, length, records.last().map(|record| record.when));
            records.push(Record { of, with, when });
        }
        records
    })
}

/// Chains of replacements without a cycle: only a later SSIN of the list replaces one.
fn replacements() -> impl Strategy<Value = BTreeMap<Ssin, Ssin>> {
    let chain = vec((0..4_usize, 1..4_usize), 0..=3);
    prop_oneof![Just(Vec::new()), chain].prop_map(|pairs| {
        let people = people();
        let known = pairs.into_iter().filter(|(from, step)| from + step < people.len());
        known.map(|(from, step)| (people[from], people[from + step])).collect()
    })
}

fn freshness_of_each() -> impl Strategy<Value = [Freshness; 5]> {
    let freshness =
        prop_oneof![8 => Just(Freshness::Fresh), 1 => Just(Freshness::Stale), 1 => Just(Freshness::Missing)];
    prop_oneof![
        Just([Freshness::Fresh; 5]),
        [freshness.clone(), freshness.clone(), freshness.clone(), freshness.clone(), freshness]
    ]
}

fn any_sources() -> impl Strategy<Value = Sources> {
    // The first two persons have most of the records, so that there is something to merge.
    let [a, b, c, ..] = people();
    let of = [a, a, a, b, b, c];
    let lists = (
        records(&of, employers(), 7),
        records(&employers(), services(), 3),
        records(&employers(), services(), 4),
        records(&of, funds(), 4),
    );
    (lists, replacements(), freshness_of_each()).prop_map(|(lists, replaced, freshness_of_each)| {
        let (employments, internal, external, memberships) = lists;
        Sources { today: TODAY, employments, internal, external, memberships, replaced, freshness_of_each }
    })
}

/// A context, a relation that it may demand, and any fields that may be granted under both.
fn grants() -> impl Strategy<Value = (LegalContext, Relation, FieldSet)> {
    let relations = |context| definition(context).relations.clone();
    let bits = prop_oneof![1 => Just(0x1ff_u16), 3 => 0..0x200_u16];
    let context = select(LegalContext::BUILT_IN.to_vec());
    let drawn = context.prop_flat_map(move |context| (Just(context), select(relations(context)), bits.clone()));
    drawn.prop_map(|(context, relation, bits)| {
        let has = |field: Field| bits & 1 << (field.number() - 1) != 0;
        let is_granted = |field: &Field| match field {
            Field::EmploymentEnd => has(Field::EmploymentBegin),
            Field::AffiliationEnd => has(Field::AffiliationBegin),
            Field::Ssin
            | Field::Employer
            | Field::EmploymentBegin
            | Field::PreventionService
            | Field::PreventionServiceType
            | Field::AffiliationBegin
            | Field::HealthInsuranceFund => has(*field),
        };
        let allowed = definition(context).fields;
        let granted: FieldSet =
            Field::ALL.into_iter().filter(is_granted).filter(|field| allowed.contains(*field)).collect();
        (context, relation, if granted.is_empty() { fields(&[1]) } else { granted })
    })
}

fn windows() -> impl Strategy<Value = (u32, u32, AskedDates)> {
    let reference = |day: u32| (day, day, AskedDates::ReferenceDate(Ok(date(day))));
    let period = |from: u32, to: u32| (from, to, AskedDates::Period { begin: Ok(date(from)), end: Ok(date(to)) });
    prop_oneof![
        1 => Just((TODAY, TODAY, AskedDates::Today)),
        3 => (0..24_u32).prop_map(reference),
        4 => (0..24_u32, 0..8_u32).prop_map(move |(from, days)| period(from, from + days)),
    ]
}

fn cases() -> impl Strategy<Value = Case> {
    let [a, b, c, d, e] = people();
    let asker = [funds().to_vec(), services().to_vec()].concat();
    let ssin = prop_oneof![6 => select(vec![a, a, b]), 2 => select(vec![c, d, e])];
    let caller = (select(asker), weighted(0.85), weighted(0.5));
    (any_sources(), grants(), windows(), ssin, caller).prop_map(
        |(sources, (context, relation, fields), (from, to, dates), ssin, (asker, is_related, annotated))| {
            // Most questions come from a caller that is likely to have the relation.
            let works_for = |employer| sources.employments.iter().any(|work| work.of == ssin && work.with == employer);
            let likely = match relation {
                Relation::Insured => sources.memberships.iter().find(|record| record.of == ssin),
                Relation::AffiliatedEmployer | Relation::None => None,
            };
            let serving = match relation {
                Relation::AffiliatedEmployer => {
                    sources.external.iter().chain(&sources.internal).find(|record| works_for(record.of))
                }
                Relation::Insured | Relation::None => None,
            };
            let likely = likely.map(|record| record.with).or(serving.map(|record| record.with));
            let organisation = likely.filter(|_| is_related).unwrap_or(asker);
            Case { context, asked: Asked { ssin, from, to, organisation, relation, fields, annotated }, dates, sources }
        },
    )
}

fn runner(cases: u32) -> TestRunner {
    let default = Config::default();
    let chosen = std::env::var_os("PROPTEST_RNG_SEED").is_some();
    let rng_seed = if chosen { default.rng_seed } else { RngSeed::Fixed(16_108) };
    let cases = if std::env::var_os("PROPTEST_CASES").is_some() { default.cases } else { cases };
    TestRunner::new(Config { cases, rng_seed, failure_persistence: None, ..default })
}

#[test]
fn lookup_agrees_with_a_second_reading_of_the_rules() {
    let outcome = runner(CASES).run(&cases(), |case| {
        let resolved = case.resolve(&case.sources);
        let entry = resolved.to_record();
        let answer = release(resolved);
        let expected = case.expected();
        prop_assert_eq!(&found(&answer), &expected);
        prop_assert_eq!(entry, case.entry(&expected));

        let window = Window::from_days(date(case.asked.from), date(case.asked.to)).expect("begin is not after end");
        let criteria = answer.criteria().expect("the policy parsed them");
        prop_assert_eq!((criteria.ssin, criteria.window()), (case.asked.ssin, window));
        prop_assert_eq!(answer.customer(), &case.question().customer);
        prop_assert_eq!(answer.legal_context(), case.context.code());
        prop_assert_eq!((answer.ticket(), answer.received()), (case.exchange().ticket, case.exchange().received));
        Ok(())
    });
    if let Err(failure) = outcome {
        panic!("{failure}");
    }
}

impl Case {
    /// The expected record of this case: exactly what was disclosed.
    fn entry(&self, expected: &Expected) -> ExchangeRecord {
        let disclosed = expected.disclosure.as_ref();
        let employments = disclosed.map_or(&[][..], |disclosed| &disclosed.employments);
        let services = || employments.iter().flat_map(|employment| &employment.services);
        let is_disclosed = |field: &Field| match field {
            Field::Ssin => disclosed.is_some_and(|disclosed| disclosed.ssin.is_some()),
            Field::Employer => employments.iter().any(|employment| employment.employer.is_some()),
            Field::EmploymentBegin | Field::EmploymentEnd => {
                employments.iter().any(|employment| employment.period.is_some())
            }
            Field::PreventionService => services().any(|service| service.number.is_some()),
            Field::PreventionServiceType => services().any(|service| service.kind.is_some()),
            Field::AffiliationBegin | Field::AffiliationEnd => services().any(|service| service.affiliation.is_some()),
            Field::HealthInsuranceFund => disclosed.is_some_and(|disclosed| disclosed.fund.is_some()),
        };
        let mut numbers = Vec::new();
        for employment in employments {
            numbers.extend(employment.employer);
            numbers.extend(employment.services.iter().filter_map(|service| service.number));
        }
        numbers.extend(disclosed.and_then(|disclosed| disclosed.fund));
        ExchangeRecord {
            replaced_by: if let Status::Replaced { by } = expected.status { Some(by) } else { expected.replaced_by },
            ticket: Ticket::new([7; 16]),
            received: noon(TODAY),
            caller: Some(self.asked.organisation),
            application: None,
            fingerprint: Digest::new([9; 32]),
            operation: Operation::ConsultAttributes,
            organisation: Some(self.asked.organisation),
            context: Some(self.context),
            rule: Some(if let Status::NoRelation { .. } = expected.status { Rule::NoRelation } else { Rule::Granted }),
            policy: None,
            end_user: None,
            deliberation: Deliberation::parse("16/108").ok(),
            subject: Some(self.asked.ssin),
            window: Window::from_days(date(self.asked.from), date(self.asked.to)).ok(),
            fields: Field::ALL.into_iter().filter(is_disclosed).collect(),
            disclosed: numbers,
            datasets: (&self.sources).states().expect("the sources can be read"),
            outcome: expected.status.outcome(),
            customer_ticket: Some("CALLER-1".to_owned()),
            relay: None,
            signature: None,
        }
    }
}

/// Descriptions of the borders in a case.
fn borders(case: &Case) -> BTreeSet<&'static str> {
    let mut seen = BTreeSet::new();
    let Case { sources, asked, .. } = case;
    let mut see = |border, is_there: bool| {
        if is_there {
            seen.insert(border);
        }
    };
    for (place, one) in sources.employments.iter().enumerate() {
        see("a period of one day", one.when.end == Some(one.when.begin));
        see("an open period", one.when.end.is_none());
        see("begins on the last day asked", one.when.begin == asked.to);
        see("ends on the first day asked", one.when.end == Some(asked.from));
        see("begins the day after", one.when.begin == asked.to + 1);
        see("ended the day before", one.when.end.is_some_and(|end| end + 1 == asked.from));
        for (_, two) in sources.employments.iter().enumerate().filter(|(other, _)| *other != place) {
            if two.of == one.of && two.with == one.with {
                see("touching periods", one.when.end.is_some_and(|end| end + 1 == two.when.begin));
                see("one day between", one.when.end.is_some_and(|end| end + 2 == two.when.begin));
                see("equal begins", one.when.begin == two.when.begin);
            }
            if two.of != one.of && two.with == one.with {
                see("one employer under two numbers", sources.last(one.of) == sources.last(two.of));
            }
        }
        for affiliation in sources.external.iter().filter(|affiliation| affiliation.of == one.with) {
            let begin = affiliation.when.begin;
            see(
                "an affiliation that begins inside",
                one.when.begin < begin && one.when.end.is_none_or(|end| begin < end),
            );
            see("an affiliation that begins on the last day", one.when.end == Some(begin));
            see("two services at once", sources.internal.iter().any(|other| other.of == one.with));
        }
    }
    let chain = sources.replaced.get(&asked.ssin).and_then(|by| sources.replaced.get(by));
    see("replaced once", sources.replaced.contains_key(&asked.ssin) && chain.is_none());
    see("replaced twice", chain.is_some());
    let siblings = |by: &Ssin| sources.replaced.values().filter(|other| *other == by).count() > 1;
    see("siblings", sources.replaced.values().any(siblings));
    see("a window of days", asked.from < asked.to);
    see("a window of one day", asked.from == asked.to);
    seen
}

#[test]
fn random_cases_cover_every_border_and_every_status() {
    let mut runner = runner(0);
    let cases = cases();
    let mut times: BTreeMap<String, u32> = BTreeMap::new();
    for _ in 0..6_000 {
        let case = cases.new_tree(&mut runner).expect("nothing is filtered").current();
        let Expected { status, replaced_by, sources, disclosure, .. } = case.expected();
        let relation = case.asked.relation.code();
        if replaced_by.is_some() {
            *times.entry(format!("{} annotated", status.code())).or_default() += 1;
        }
        for (dataset, source) in sources {
            *times.entry(format!("{} {}", dataset.code(), source.code())).or_default() += 1;
        }
        let found = if disclosure.is_some() { "disclosed" } else { "not disclosed" };
        *times.entry(format!("{} {relation} {found}", status.code())).or_default() += 1;
        for border in borders(&case) {
            *times.entry(border.to_owned()).or_default() += 1;
        }
    }
    let mut expected: Vec<String> = [
        "a period of one day",
        "an open period",
        "begins on the last day asked",
        "ends on the first day asked",
        "begins the day after",
        "ended the day before",
        "touching periods",
        "one day between",
        "equal begins",
        "one employer under two numbers",
        "an affiliation that begins inside",
        "an affiliation that begins on the last day",
        "two services at once",
        "replaced once",
        "replaced twice",
        "siblings",
        "a window of days",
        "a window of one day",
    ]
    .map(str::to_owned)
    .to_vec();
    for relation in ["none", "insured", "affiliated-employer"] {
        expected.push(format!("MSG00000 {relation} disclosed"));
        expected.push(format!("HAN20200 {relation} disclosed"));
        expected.push(format!("HAN20200 {relation} not disclosed"));
        expected.push(format!("MSG00006 {relation} not disclosed"));
        expected.push(format!("MSG00100 {relation} not disclosed"));
    }
    for code in ["MSG00000", "HAN20200", "MSG00100"] {
        expected.push(format!("{code} annotated"));
    }
    for dataset in ["dimona", "coprev", "federated", "insurance"] {
        for status in ["DATA_FOUND", "NO_DATA_FOUND", "NO_RESULT", "TECHNICAL_ERROR"] {
            expected.push(format!("{dataset} {status}"));
        }
    }
    expected.push("MSG00012 insured not disclosed".to_owned());
    expected.push("MSG00012 affiliated-employer not disclosed".to_owned());
    let rare: Vec<_> = expected.iter().filter(|what| times.get(*what).copied().unwrap_or(0) < 10).collect();
    assert!(rare.is_empty(), "too rare: {rare:?}\nof {times:#?}");
}

// ---- single cases

fn span(begin: u32, end: impl Into<Option<u32>>) -> Span {
    Span { begin, end: end.into() }
}

/// The first person, today, all nine fields, by the platform, without any data.
fn case() -> Case {
    Case {
        sources: Sources::empty(TODAY),
        context: LegalContext::EHEALTH_PLATFORM,
        asked: Asked {
            ssin: people()[0],
            from: TODAY,
            to: TODAY,
            organisation: funds()[0],
            relation: Relation::None,
            fields: FieldSet::ALL,
            annotated: false,
        },
        dates: AskedDates::Today,
    }
}

impl Case {
    /// The same case, by a prevention service or a fund.
    fn by(self, organisation: EnterpriseNumber, context: LegalContext) -> Self {
        let (fields, relation) = (definition(context).fields, definition(context).relations[0]);
        Self { context, asked: Asked { organisation, relation, fields, ..self.asked }, ..self }
    }

    fn with_fields(mut self, numbers: &[u8]) -> Self {
        self.asked.fields = fields(numbers);
        self
    }

    fn working(mut self, employer: usize, when: Span) -> Self {
        self.sources.employments.push(Record { of: people()[0], with: employers()[employer], when });
        self
    }

    fn affiliated(mut self, employer: usize, service: usize, when: Span) -> Self {
        self.sources.external.push(Record { of: employers()[employer], with: services()[service], when });
        self
    }

    fn insured(mut self, fund: usize, when: Span) -> Self {
        self.sources.memberships.push(Record { of: people()[0], with: funds()[fund], when });
        self
    }

    fn lacking(mut self, dataset: Dataset, freshness: Freshness) -> Self {
        let place = Dataset::ALL.iter().position(|other| *other == dataset).expect("one of the five");
        self.sources.freshness_of_each[place] = freshness;
        self
    }
}

fn refusal(case: &Case, question: Question) -> (Answer, Refusal) {
    match case.permission(question) {
        Permission::Permitted(_) => panic!("the policy permits it"),
        Permission::Refused(resolved, refusal) => (release(resolved), refusal),
        Permission::EndUser(_, fault) => panic!("it ends with a fault: {fault}"),
    }
}

#[test]
fn every_status_is_produced() {
    let mut codes = Vec::new();
    let mut see = |answer: &Answer, expected: Status| {
        assert_eq!(answer.status(), expected);
        codes.push(expected.code());
    };
    let asked = case().question();

    let unknown = Question { legal_context: "BACKTOWORK:OTHER".to_owned(), ..asked.clone() };
    let (answer, rule) = refusal(&case(), unknown);
    see(&answer, Status::NoGrant);
    assert_eq!(rule, Refusal::NoGrant(NoGrant::UnknownContext));
    assert_eq!((answer.criteria(), answer.disclosure(), answer.filtered()), (None, None, FieldSet::EMPTY));

    let mut wrong = asked.clone();
    wrong.criteria.ssin = Err(SsinError::CheckDigits);
    see(&refusal(&case(), wrong).0, Status::NotAnSsin);

    let mut wrong = asked;
    wrong.criteria.dates = AskedDates::ReferenceDate(Err(DateError));
    see(&refusal(&case(), wrong).0, Status::WrongDates(WrongDates::ReferenceDate(WrongDate::NotADate)));

    let by_fund = case().by(funds()[0], LegalContext::ADVISORY_PHYSICIAN);
    see(&by_fund.answer(), Status::NoRelation { ssin: people()[0], organisation: funds()[0] });

    let mut replaced = case();
    replaced.sources.replaced.insert(people()[0], people()[1]);
    see(&replaced.answer(), Status::Replaced { by: people()[1] });

    let stale = case().lacking(Dataset::Coprev, Freshness::Stale).lacking(Dataset::Persons, Freshness::Missing);
    see(&stale.answer(), Status::Incomplete([Dataset::Coprev, Dataset::Persons].into_iter().collect()));

    see(&case().insured(0, span(0, None)).answer(), Status::DataFound);
    see(&case().answer(), Status::NoDataFound);
    assert_eq!(codes, ["MSG00013", "MSG00011", "MSG00008", "MSG00012", "MSG00006", "HAN20200", "MSG00000", "MSG00100"]);
}

#[test]
fn a_worker_on_daily_contracts_has_one_employment() {
    let mut case = case().with_fields(&[2, 3, 4]);
    for day in (0..=20).filter(|day| *day != 15) {
        case = case.working(0, span(day, day));
    }
    let answer = case.answer();
    let disclosed: Vec<_> =
        answer.disclosure().expect("found").employments.iter().map(|disclosed| disclosed.period).collect();
    assert_eq!(disclosed, [Some(span(0, 14).period())]);
}

#[test]
fn equal_employments_after_filtering_are_disclosed_once() {
    let both = case().working(0, span(0, 3)).working(0, span(5, 9)).working(1, span(7, 9));
    let mut both = both.with_fields(&[2]);
    (both.asked.from, both.asked.to) = (0, 12);
    both.dates = AskedDates::Period { begin: Ok(date(0)), end: Ok(date(12)) };
    let answer = both.answer();
    let disclosed: Vec<_> =
        answer.disclosure().expect("found").employments.iter().map(|disclosed| disclosed.employer).collect();
    assert_eq!(disclosed, [Some(employers()[1]), Some(employers()[0])]);
    assert_eq!(answer.filtered(), fields(&[1, 3, 4, 5, 6, 7, 8, 9]));
}

#[test]
fn employments_emptied_by_filtering_are_left_out() {
    let alone = case().working(0, span(0, None)).with_fields(&[1, 5, 6]);
    let answer = alone.answer();
    assert_eq!((answer.status(), answer.disclosure()), (Status::NoDataFound, None));
    let served = alone.affiliated(0, 1, span(0, None)).answer();
    assert_eq!(served.disclosure().map(|disclosed| disclosed.employments.len()), Some(1));
}

#[test]
fn a_prevention_service_gets_only_its_own_employers() {
    let case = case().by(services()[1], LegalContext::PREVENTION_SERVICE);
    let case = case.working(0, span(0, None)).working(1, span(0, None)).affiliated(1, 1, span(3, None));
    let answer = case.affiliated(0, 2, span(0, None)).insured(2, span(0, None)).answer();
    let disclosed = answer.disclosure().expect("found");
    let employers: Vec<_> = disclosed.employments.iter().map(|disclosed| disclosed.employer).collect();
    assert_eq!((employers, disclosed.fund), (vec![Some(self::employers()[1])], Some(funds()[2])));
}

#[test]
fn the_relation_may_be_under_any_ssin_of_the_person() {
    let [first, second, last, sibling, _] = people();
    let mut case = case().by(funds()[0], LegalContext::ADVISORY_PHYSICIAN);
    case.sources.replaced = BTreeMap::from([(first, second), (second, last), (sibling, last)]);
    case.sources.memberships.push(Record { of: sibling, with: funds()[0], when: span(0, None) });
    assert_eq!(case.answer().status(), Status::Replaced { by: last });
    case.asked.ssin = last;
    assert_eq!(case.answer().status(), Status::NoDataFound);
    case.asked.organisation = funds()[1];
    assert_eq!(case.answer().status(), Status::NoRelation { ssin: last, organisation: funds()[1] });
}

#[test]
fn a_replaced_ssin_is_annotated_only_after_the_relation() {
    let [first, second, ..] = people();
    let mut case = case().by(funds()[0], LegalContext::ADVISORY_PHYSICIAN);
    case.asked.annotated = true;
    case.sources.replaced.insert(first, second);
    let stranger = case.answer();
    assert_eq!(stranger.status(), Status::NoRelation { ssin: first, organisation: funds()[0] });
    assert_eq!((stranger.replaced_ssin(), stranger.sources().iter().count()), (None, 0));
    case.sources.memberships.push(Record { of: second, with: funds()[0], when: span(0, None) });
    let answer = case.working(0, span(0, None)).answer();
    assert_eq!((answer.status(), answer.replaced_ssin()), (Status::DataFound, Some((first, second))));
    assert_eq!(answer.disclosure().map(|disclosed| disclosed.ssin), Some(Some(first)));
}

#[test]
fn missing_data_is_not_reported_as_a_missing_relation() {
    let by_fund = case().by(funds()[0], LegalContext::ADVISORY_PHYSICIAN).insured(0, span(0, None));
    for freshness in [Freshness::Stale, Freshness::Missing] {
        let answer = by_fund.clone().lacking(Dataset::Insurance, freshness).answer();
        let stale = [Dataset::Insurance].into_iter().collect();
        assert_eq!((answer.status(), answer.disclosure()), (Status::Incomplete(stale), None));
        assert_eq!(answer.filtered(), fields(&[9]));
    }
}

#[test]
fn an_open_period_stays_open_when_merged_with_a_later_one() {
    let answer = case().working(0, span(2, None)).working(0, span(5, 9)).with_fields(&[3, 4]).answer();
    let periods =
        |disclosed: &Disclosure| disclosed.employments.iter().map(|disclosed| disclosed.period).collect::<Vec<_>>();
    assert_eq!(answer.disclosure().map(periods), Some(vec![Some(span(2, None).period())]));
}

#[test]
fn the_criteria_are_returned_in_the_form_of_the_request() {
    let mut case = case();
    assert_eq!(
        case.answer().criteria().map(|disclosed| disclosed.dates),
        Some(CriteriaDates::ReferenceDate(date(TODAY)))
    );
    case.dates = AskedDates::Period { begin: Ok(date(TODAY)), end: Ok(date(TODAY)) };
    let window = Window::new(date(TODAY));
    assert_eq!(case.answer().criteria().map(|disclosed| disclosed.dates), Some(CriteriaDates::Period(window)));
}

// ---- records

#[test]
fn a_dropped_pending_settles_as_closed() {
    struct Forgetful;
    impl AuditSink for Forgetful {
        fn append(&self, pending: Pending) {
            drop(pending);
        }
    }
    let entry = case().resolve(&case().sources).to_record();
    assert_eq!(settle(&Forgetful, entry).err(), Some(RecordFailure::Closed));
}

#[test]
fn a_failed_pending_reports_its_own_failure() {
    struct Full(RecordFailure);
    impl AuditSink for Full {
        fn append(&self, pending: Pending) {
            pending.failed(self.0);
        }
    }
    for failure in [RecordFailure::Unwritable, RecordFailure::Overloaded, RecordFailure::Closed] {
        let entry = case().resolve(&case().sources).to_record();
        assert_eq!(settle(&Full(failure), entry).err(), Some(failure));
    }
}

#[test]
fn a_recorded_outcome_has_its_ticket_and_sequence_number() {
    let log = AuditLog::default();
    for sequence in 0..3 {
        let entry = case().resolve(&case().sources).to_record();
        let recorded = settle(&log, entry).expect("durable immediately");
        assert_eq!((recorded.outcome().ticket, recorded.sequence()), (Ticket::new([7; 16]), sequence));
    }
}

#[test]
fn an_unregistered_caller_is_refused_and_recorded() {
    let stranger = Exchange { caller: caller(funds()[2]), ..case().exchange() };
    let refused = Presented::new(stranger, case().question(), &case().register())
        .identify(&case().register())
        .expect_err("a stranger");
    let (reason, presented) = *refused;
    assert_eq!(reason, NotIdentified::UnknownCaller);
    let entry = presented.to_record(OutcomeCode::UnknownCaller, reason.into());
    assert_eq!((entry.caller, entry.organisation), (Some(funds()[2]), None));
    assert_eq!((entry.subject, entry.outcome), (Some(people()[0]), OutcomeCode::UnknownCaller));
    assert_eq!((entry.fields, entry.disclosed.len(), entry.window), (FieldSet::EMPTY, 0, None));
    assert_eq!(entry.datasets, DatasetStates::default());
}

// ---- reads

/// A directory that logs its reads.
struct Counting<'a> {
    sources: &'a Sources,
    calls: &'a RefCell<Vec<&'static str>>,
}

impl Counting<'_> {
    fn note(&self, call: &'static str) {
        self.calls.borrow_mut().push(call);
    }
}

impl Directory for Counting<'_> {
    fn states(&mut self) -> Result<DatasetStates, DirectoryError> {
        self.note("states");
        self.sources.states()
    }

    fn family(&mut self, ssin: Ssin, into: &mut Vec<Ssin>) -> Result<Ssin, DirectoryError> {
        self.note("family");
        let last = Directory::family(&mut self.sources, ssin, into)?;
        into.iter().for_each(|_| self.note("predecessors"));
        Ok(last)
    }

    fn employment_periods(&mut self, ssin: Ssin, into: &mut Vec<EmploymentPeriod>) -> Result<(), DirectoryError> {
        self.note("employment_periods");
        self.sources.employment_periods(ssin, into)
    }

    fn affiliations(
        &mut self,
        kind: ServiceKind,
        employer: EnterpriseNumber,
        into: &mut Vec<Affiliation>,
    ) -> Result<(), DirectoryError> {
        self.note("affiliations");
        self.sources.affiliations(kind, employer, into)
    }

    fn memberships(&mut self, ssin: Ssin, into: &mut Vec<Membership>) -> Result<(), DirectoryError> {
        self.note("memberships");
        self.sources.memberships(ssin, into)
    }

    fn look_up_unknown(&mut self, dataset: Dataset, times: usize) -> Result<(), DirectoryError> {
        let call = match dataset {
            Dataset::Dimona => "employment_periods",
            Dataset::Insurance => "memberships",
            Dataset::Persons => "predecessors",
            Dataset::Coprev | Dataset::Federated => unreachable!("they are not filed by person"),
        };
        (0..times).for_each(|_| self.note(call));
        Ok(())
    }
}

/// Reads needed to answer the case.
fn calls(case: &Case) -> Vec<&'static str> {
    let calls = RefCell::default();
    case.resolve(Counting { sources: &case.sources, calls: &calls });
    calls.into_inner()
}

#[test]
fn no_data_is_read_before_the_relation_is_shown() {
    let full = case().working(0, span(0, None)).affiliated(0, 1, span(0, None)).insured(0, span(0, None));
    let by_fund = full.clone().by(funds()[1], LegalContext::ADVISORY_PHYSICIAN);
    let sought: BTreeSet<_> = calls(&by_fund).into_iter().collect();
    assert_eq!(sought, BTreeSet::from(["states", "family", "predecessors", "memberships"]));
    let by_service = full.clone().by(services()[2], LegalContext::PREVENTION_SERVICE);
    assert!(!calls(&by_service).contains(&"memberships"));
    let mut replaced = full.clone();
    replaced.sources.replaced.insert(people()[0], people()[1]);
    assert_eq!(calls(&replaced), ["states", "family", "predecessors", "predecessors"]);
    let stale = full.by(funds()[0], LegalContext::ADVISORY_PHYSICIAN).lacking(Dataset::Insurance, Freshness::Stale);
    assert_eq!(calls(&stale), ["states"]);
}

#[test]
fn fields_outside_the_grant_are_not_read() {
    let full = case().working(0, span(0, None)).affiliated(0, 1, span(0, None)).insured(0, span(0, None));
    assert_eq!(calls(&full.clone().with_fields(&[1])), ["states", "family", "predecessors"]);
    assert_eq!(calls(&full.clone().with_fields(&[9])), ["states", "family", "predecessors", "memberships"]);
    assert_eq!(calls(&full.with_fields(&[2, 3, 4])), ["states", "family", "predecessors", "employment_periods"]);
}

#[test]
fn unknown_and_unrelated_persons_cause_the_same_reads() {
    for (organisation, context) in
        [(funds()[1], LegalContext::ADVISORY_PHYSICIAN), (services()[2], LegalContext::PREVENTION_SERVICE)]
    {
        let unknown = case().by(organisation, context);
        let insured = unknown.clone().insured(0, span(0, None));
        let working = insured.clone().working(0, span(0, None)).affiliated(0, 1, span(0, None));
        let at_two = working.clone().working(1, span(0, None)).affiliated(1, 1, span(0, None));
        let at_three = at_two.clone().working(2, span(0, None));
        let mut of_old = at_three.clone();
        of_old.sources.replaced.insert(people()[1], people()[0]);
        let mut replaced = at_three.clone();
        replaced.sources.replaced.insert(people()[0], people()[1]);
        let status = Status::NoRelation { ssin: people()[0], organisation };
        let work = |case: &Case| {
            let mut calls = calls(case);
            calls.sort_unstable();
            calls
        };
        for known in [insured, working, at_two, at_three, of_old, replaced] {
            assert_eq!((known.answer().status(), unknown.answer().status()), (status, status));
            assert_eq!(found(&known.answer()), found(&unknown.answer()));
            assert_eq!(work(&known), work(&unknown), "{known:?}");
        }
    }
}

#[test]
fn a_directory_error_ends_the_exchange_with_a_record() {
    struct Broken;
    impl Directory for Broken {
        fn states(&mut self) -> Result<DatasetStates, DirectoryError> {
            Err(DirectoryError { dataset: Dataset::Dimona, reason: "the disk is gone".into() })
        }
        fn family(&mut self, _: Ssin, _: &mut Vec<Ssin>) -> Result<Ssin, DirectoryError> {
            unreachable!("nothing is read after an error")
        }
        fn employment_periods(&mut self, _: Ssin, _: &mut Vec<EmploymentPeriod>) -> Result<(), DirectoryError> {
            unreachable!("nothing is read after an error")
        }
        fn affiliations(
            &mut self,
            _: ServiceKind,
            _: EnterpriseNumber,
            _: &mut Vec<Affiliation>,
        ) -> Result<(), DirectoryError> {
            unreachable!("nothing is read after an error")
        }
        fn memberships(&mut self, _: Ssin, _: &mut Vec<Membership>) -> Result<(), DirectoryError> {
            unreachable!("nothing is read after an error")
        }
    }
    let failed = case().permitted().resolve(&mut Broken, &limits()).expect_err("the disk is gone");
    assert_eq!(failed.to_string(), "dataset dimona cannot be read: the disk is gone");
    let entry = failed.presented.to_record(OutcomeCode::Internal, Rule::Granted);
    assert_eq!((entry.subject, entry.context), (Some(people()[0]), Some(LegalContext::EHEALTH_PLATFORM)));
    assert_eq!((entry.outcome, entry.disclosed.len()), (OutcomeCode::Internal, 0));
}
