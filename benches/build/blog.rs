//! A blog of any size, the same on every machine, as Hugo and slugline read it.

use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use crate::hugo;

/// Writes a blog of `issues` issues below `target`, unless it is there: for slugline, and for Hugo.
///
/// # Errors
/// What the system says.
pub fn blog(issues: usize) -> Result<PathBuf, Box<dyn Error>> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("blog-{issues}"));
    let complete = folder.join("slugline.yaml");
    if complete.exists() {
        return Ok(folder);
    }
    let mut words = Words(1);
    for number in 0..issues {
        let bundle = folder.join(format!("content/blog/issue-{number:05}"));
        fs::create_dir_all(&bundle)?;
        fs::write(bundle.join("index.md"), issue(number, &mut words)?)?;
    }
    hugo::write_site(&folder)?;
    let project = "title: Large\nbase_url: https://example.org\ntimezone: Asia/Shanghai\nfeeds:\n  max_bytes: 0\n";
    fs::write(folder.join("all.yaml"), format!("{project}  archive: year\n"))?;
    fs::write(complete, project)?;
    Ok(folder)
}

/// Between 4 and 12 KB of what weeklies are made of.
fn issue(number: usize, words: &mut Words) -> Result<String, std::fmt::Error> {
    let mut text = String::new();
    let (year, month, day) = (2000 + number / 336 % 26, 1 + number / 28 % 12, 1 + number % 28);
    writeln!(text, "---\ntitle: \"Weekly {number}: {}\"\ndate: {year}-{month:02}-{day:02} 15:00:00", words.some(6))?;
    writeln!(text, "authors: [\"{}\", 林汐]\ncategories: 周刊\ntags: [潮汐, {}]", words.some(2), words.some(1))?;
    writeln!(text, "description: \"{}\"\ncover: https://example.org/{number}.png\n---\n", words.some(20))?;
    for section in 0..6 + words.below(12) {
        writeln!(text, "## {section}. {}\n\n{} 达到**{section}%**。", words.some(5), words.some(60))?;
        writeln!(text, "\n- **{}** {}\n- [{}](../issue-00001/)\n", words.some(2), words.some(12), words.some(3))?;
        match section % 3 {
            0 => writeln!(text, "```rust\nlet tide = \"{}\";\n```\n", words.some(8))?,
            1 => writeln!(text, "| wave | height |\n|---|--:|\n| M2 | {section} |\n| {} | 2 |\n", words.some(1))?,
            _ => writeln!(
                text,
                "![{}](picture.png) 一次完整的测量[^{section}]。\n\n[^{section}]: {}\n",
                words.some(2),
                words.some(9)
            )?,
        }
    }
    Ok(text)
}

/// Words in an order that is the same on every machine: a linear congruential generator picks them.
struct Words(u64);

impl Words {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % limit
    }

    fn some(&mut self, count: usize) -> String {
        const WORDS: [&str; 16] = [
            "harbour", "tide", "gauge", "moon", "surge", "release", "current", "storm", "潮位", "港口", "发布", "读数",
            "社区", "版本", "贡献者", "本周",
        ];
        let words: Vec<&str> = (0..count).map(|_| WORDS[self.below(WORDS.len())]).collect();
        words.join(" ")
    }
}
