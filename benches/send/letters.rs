//! The letters that are sent: a Chinese edition with three values of each recipient, as the program writes it.

use std::error::Error;

use chrono::{DateTime, Utc};

use slugline::parts::{
    Algorithm, Config, Document, Edition, EmailAddress, Files, Key, Letter, NO_FILES, Names, NewSubscriber, Recipient,
    Section, Signature, Signer, Source, Subscriber, SubscriberId, assemble, split,
};

const PROJECT: &str = "title: 潮汐周刊\nbase_url: https://example.org\nlanguage: zh-CN\nmail:\n  \
                       from: Weekly <weekly@example.org>\n  unsubscribe_url: https://example.org/leave?who={address}\n";
const TEMPLATE: &str = "{% extends \"default/edition.html\" %}{% block body %}<tr><td><p>{{ subscriber.name | \
                        default(\"reader\", true) }}, {{ subscriber.attributes.city }}</p></td></tr>{{ super() \
                        }}{% endblock %}";
const PARAGRAPH: &str = "## 潮汐\n\n海面**起落**，[并不大](https://example.org/tides/)，到了第十四天又回到原处。\n\n";

/// Writes the letters of one edition.
pub struct Letters {
    edition: Edition,
    signer: Signer,
    from: EmailAddress,
}

impl Letters {
    /// Of about this many bytes, signed by a key of this kind.
    pub fn new(bytes: usize, dkim: Option<&str>) -> Result<Self, Box<dyn Error>> {
        let signer = match dkim {
            None | Some("none") => Signer::new(Vec::new()),
            Some("rsa") => Signer::new(vec![signature(Algorithm::Rsa)?]),
            Some("ed25519") => Signer::new(vec![signature(Algorithm::Ed25519)?]),
            Some(other) => return Err(format!("dkim is `{other}`?").into()),
        };
        let from: EmailAddress = "weekly@example.org".parse()?;
        let of = |paragraphs| {
            Ok::<_, Box<dyn Error>>(Self {
                edition: edition(paragraphs)?,
                signer: Signer::new(Vec::new()),
                from: from.clone(),
            })
        };
        let (few, many) = (of(10)?.bytes()?, of(110)?.bytes()?);
        let paragraphs = 10 + bytes.saturating_sub(few) * 100 / (many - few).max(1);
        Ok(Self { signer, ..of(paragraphs)? })
    }

    /// How long one is.
    pub fn bytes(&self) -> Result<usize, Box<dyn Error>> {
        let reader = reader(0)?.into_subscriber(SubscriberId(1), DateTime::<Utc>::UNIX_EPOCH);
        Ok(self.write(&reader)?.content.len())
    }

    /// That of one subscriber.
    pub fn write(&self, subscriber: &Subscriber) -> anyhow::Result<Letter> {
        let date = DateTime::<Utc>::UNIX_EPOCH;
        let content = self.signer.sign(self.edition.message(&Recipient::of(subscriber), date)?, date)?;
        Ok(Letter { from: self.from.clone(), to: subscriber.address.clone(), envelope_id: None, content })
    }

    /// Its two parts, HTML and text, for others to build a message of.
    pub fn parts(&self) -> Result<(String, String), Box<dyn Error>> {
        let reader = Recipient::of(&reader(0)?.into_subscriber(SubscriberId(1), DateTime::<Utc>::UNIX_EPOCH));
        Ok((self.edition.html(&reader)?, self.edition.text(&reader)?))
    }
}

/// Somebody who gets one.
pub fn reader(number: usize) -> Result<NewSubscriber, Box<dyn Error>> {
    let attributes = [("city".to_owned(), "杭州".into())].into_iter().collect();
    let address = format!("reader-{number}@example.com").parse()?;
    Ok(NewSubscriber { attributes, ..NewSubscriber::new(address, &format!("林汐 {number}")) })
}

fn signature(algorithm: Algorithm) -> Result<Signature, Box<dyn Error>> {
    let (key, _) = Key::generate(algorithm)?;
    Ok(Signature { domain: "example.org".to_owned(), selector: "bench".to_owned(), key })
}

fn edition(paragraphs: usize) -> Result<Edition, Box<dyn Error>> {
    let config = Config::parse("slugline.yaml", PROJECT).map_err(|findings| format!("{findings:?}"))?;
    let text = "---\ntitle: 大潮\ndate: 2026-11-20\ndescription: 月亮与太阳。\n---\n";
    let source = Source::of_path("tides.md", "tides.md");
    let block = split("tides.md", text.as_bytes())?;
    let issue = assemble(source, &block, &config.publication, &config.permalink, &mut Names::default())
        .issue
        .ok_or("an issue")?;
    let templates = |name: &str| Ok((name == "edition.html").then(|| TEMPLATE.to_owned()));
    let text = PARAGRAPH.repeat(paragraphs);
    let section = Section { issue: &issue, cover: None, body: Document::parse(&text) };
    let files = Files { template: &templates, ..NO_FILES };
    let mail = config.mail.as_ref().map(|mail| &mail.edition);
    Ok(Edition::prepare(&config.publication, mail, &section, &files)?)
}
