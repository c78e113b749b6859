"""Writes texts.json: texts and the ids that transformers' CLIPTokenizerFast gives them. See README.md."""
import json, random, sys
from transformers import CLIPTokenizerFast

vocab_directory, here = sys.argv[1], sys.argv[2]
tokenizer = CLIPTokenizerFast.from_pretrained(vocab_directory)
texts = [
    "", " ", "a photo of a cat", "a photo of a {}", "A Photo OF a DOG.", "  many   spaces\tand\nlines  ", "don't you're we've I'm he'll she'd it's",
    "café", "cafe\u0301", "naïve Ångström ÎLE", "Straße", "İstanbul", "ﬁne ligature", "日本語のテキスト", "한국어 문장", "Привет, мир!", "مرحبا", "שלום", "ไทย",
    "emoji 😀 and 👨‍👩‍👧‍👦 and 🏳️‍🌈", "😀", "𝒳 math", "1234567890 3.14 1,000", "x=y+z; a!=b", "--- *** ///", "...", "!!!", "snake_case camelCase kebab-case",
    "http://example.com/a?b=c&d=e", "user@example.com", "&amp; &lt;b&gt; &amp;amp;", "<b>bold</b>", "a\u00a0b\u2003c\u3000d", "tab\tnul\u0000end", "zero\u200bwidth",
    "combining a\u0301\u0302\u0303", "½ ¼ ² ³ ①", "№ ™ © ®", "“quotes” ‘single’ – — …", "it’s", "O'Neill's", "''s", "'", "s's'", "long " * 100,
    "supercalifragilisticexpialidocious antidisestablishmentarianism", "pneumonoultramicroscopicsilicovolcanoconiosis", "\u202eright to left", "\ufeffbom",
    "a" * 300, "the quick brown fox jumps over the lazy dog", "ＦＵＬＬ width", "\r\n", "end of text", "start|of|text", "|>", "<|", "ǆ Ǆ ǅ", "ς Σ σ", "i̇ I ı",
    "\ue000 private", "\U000e0001 tag", "\u0085next line", "\u1680ogham", "\u180emongolian", "٣ ४ ੫", "x̲y", "a\u0000", "\u00ad soft",
]
random.seed(5)
alphabet = "abc XYZ019.,'!?-_/éßñçøДжя中文字😀\t\u0301"
for _ in range(150):
    texts.append("".join(random.choice(alphabet) for _ in range(random.randint(1, 40))))
ids = [tokenizer(text, truncation=True, max_length=77)["input_ids"] for text in texts]
with open(f"{here}/texts.json", "w", encoding="utf-8") as out:
    json.dump([{"text": t, "ids": i} for t, i in zip(texts, ids)], out)
print(len(texts), tokenizer.__class__, ids[2])
