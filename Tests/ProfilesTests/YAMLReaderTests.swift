// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Profiles
import Quantities
import Randomness
import TestSupport
import Testing

/// What is refused before a profile's meaning is looked at: each with the file and the line.
@Suite struct YAMLReaderTests {
  /// The error of a text, or nil where it is a mapping.
  private func error(_ text: String) -> ProfileError? {
    do throws(ProfileError) {
      _ = try YAMLReader(file: "f.yaml").root(of: text, what: "a test")
      return nil
    } catch {
      return error
    }
  }

  private func line(_ error: ProfileError?) -> Int? {
    guard case .malformed(let origin, _) = error else { return nil }
    #expect(origin.file == "f.yaml")
    return origin.line
  }

  @Test func theSizeLimitIsExact() {
    let rest = "a: b\n#"
    let filler = String(repeating: "x", count: YAMLReader.byteLimit - rest.utf8.count)
    #expect(error(rest + filler) == nil)
    let limit = YAMLReader.byteLimit
    #expect(error(rest + filler + "y") == .tooLarge(file: "f.yaml", bytes: limit + 1, limit: limit))
    let wide = String(repeating: "\u{20AC}", count: limit / 3 + 1)
    #expect(error(wide) == .tooLarge(file: "f.yaml", bytes: wide.utf8.count, limit: limit))
  }

  @Test(arguments: ["[]", "{}"])
  func theDepthLimitIsExact(brackets: String) {
    let (open, close) = (String(brackets.prefix(1)), String(brackets.suffix(1)))
    func nested(_ depth: Int) -> String {
      "a: b\nc: " + String(repeating: open, count: depth) + String(repeating: close, count: depth)
    }
    let limit = YAMLReader.depthLimit
    #expect(error(nested(1)) == nil)
    #expect(error(nested(limit))?.description.contains("nested") != true)
    let refusal = error(nested(limit + 1))
    #expect(line(refusal) == 2)
    #expect(refusal?.description.contains("nested deeper than \(limit) levels") == true)
  }

  /// Brackets that follow each other are not nested.
  @Test func aLongListIsNotDeep() {
    #expect(error("a: [" + String(repeating: "[1], ", count: 1_000) + "2]") == nil)
  }

  /// Nesting that no bracket shows, or that brackets in a comment hide, still ends in a sentence.
  @Test(arguments: ["- ", "? ", "- ? ", "[", "a: [", "{a: "], [17, 200, 60_000])
  func bombsEndInASentence(unit: String, count: Int) throws {
    let folder = try ModelsFolder()
    let times = min(count, (YAMLReader.byteLimit - 100) / 2 / unit.utf8.count)
    let bomb = String(repeating: unit, count: times)
    let hidden = "# " + String(repeating: "]", count: times) + "\n" + bomb
    for text in [bomb, hidden].filter({ $0.utf8.count <= YAMLReader.byteLimit }) {
      let sentence = try folder.refusal(text)
      #expect(sentence.hasPrefix(folder.path(.kernel, "mine") + ":"), "\(sentence)")
      #expect(!sentence.contains("\n") && sentence.count < 300)
    }
  }

  @Test(arguments: ["- ", "? ", "# ]]]]]]]]]]]]]]]]]]]]\n["])
  func nestingThatNoBracketShowsIsRefusedAsSuch(unit: String) {
    let comment = unit.hasPrefix("#")
    let bomb = comment ? unit + "[[[[[[[[[[[[[[[[]" : String(repeating: unit, count: 17) + "a"
    withKnownIssue("the depth is that of brackets, those in comments included") {
      #expect(error(bomb)?.description.contains("nested deeper than 16") == true)
    }
  }

  @Test func aliasesThatMultiplyAreRefusedUnread() {
    var text = "a: &a [x, x]\n"
    for name in "bcdefghij" { text += "\(name): &\(name) [*a, *a]\n" }
    #expect(line(error(text)) == 1)
    #expect(error(text)?.description.contains("anchors and aliases") == true)
  }

  @Test(arguments: ["&", "*"], [" ", "\t", "\n", "[", "{", ",", "- "])
  func aMarkAtTheStartOfAWordIsRefused(mark: String, before: String) {
    let refusal = error("a: b\n#\nc:" + before + mark + "x")
    #expect(line(refusal) == (before == "\n" ? 4 : 3))
    #expect(refusal?.description.contains("anchors and aliases") == true)
    #expect(line(error(mark + "x")) == 1)
  }

  @Test(arguments: ["R&D", "a*b", "x&", "2**3", "a:&b"])
  func aMarkInsideAWordIsText(word: String) { #expect(error("a: '\(word)'\nb: \(word)") == nil) }

  /// A text that cannot be YAML is refused at the line on which it stands.
  @Test(arguments: Property.seeds(20))
  func theLineOfAProblemIsNamed(seed: UInt64) {
    var chance = Seed(seed).stream("lines")
    let count = 2 + Int(chance.uniform(below: 40))
    let bad = 1 + Int(chance.uniform(below: UInt64(count)))
    let lines = (1...count).map { $0 == bad ? "key\($0): @x" : "key\($0): x" }
    #expect(line(error(lines.joined(separator: "\n"))) == bad, "S2TUNE_SEED=\(seed)")
  }

  @Test(arguments: [
    ("a: 1\nb: 2\na: 3", "key 'a' is written twice"),
    ("a: {b: 1, c: 2, b: 3}", "key 'b' is written twice"),
    ("a: 1\n---\nb: 2", "another document"),
    ("a: 'open", "not legal YAML"),
    ("a:\n\tb: 1", "not legal YAML"),
    ("%YAML 9.9\n---\na: b", "not legal YAML"),
    ("a: \"\\xZZ\"", "not legal YAML"),
    ("text", "a test is written as 'key: value' lines"),
    ("# nothing", "the file is empty"),
    ("", "the file is empty"),
    ("\u{0}", "not legal YAML"),
    ("a: \u{1B}[31m", "not legal YAML"),
  ])
  func whatIsNoMappingIsNamed(text: String, part: String) {
    let sentence = error(text)?.description ?? ""
    #expect(sentence.contains(part) && sentence.hasPrefix("f.yaml"), "\(sentence)")
  }
}

/// Profile files whose YAML is legal and whose shape is not.
@Suite struct ProfileShapeTests {
  private static let good = ProfileText(
    kind: .kernel,
    values: [
      WrittenValue(key: "kernel.release", value: "6.1", source: "published: x"),
      WrittenValue(key: "kernel.hz", value: "1000", source: "measured here"),
    ]
  )

  @Test func marksOfTheEncodingAndLineEndsDoNotMatter() throws {
    let folder = try ModelsFolder()
    try folder.write(Self.good, as: "mine")
    let plain = try folder.store.load(KernelProfile.self, named: "mine")
    for text in [
      "\u{FEFF}" + Self.good.text, Self.good.text.replacingOccurrences(of: "\n", with: "\r\n"),
      Self.good.text + "\n\n# end", "---\n" + Self.good.text + "...\n",
    ] {
      try folder.write(text, as: "mine")
      let other = try folder.store.load(KernelProfile.self, named: "mine")
      #expect(other.profile == plain.profile && other.summary == plain.summary)
      #expect(other.entries.map(\.value) == plain.entries.map(\.value))
    }
  }

  @Test(arguments: [
    ("values:", "'values' is written as"),
    ("values: [a, b]", "'values' is written as"),
    ("values: {kernel.hz: [1]}", "'kernel.hz' is written as"),
    ("values: {kernel.hz: {value: [1], why: w, source: assumed}}", "a text is expected"),
    ("values: {kernel.hz: {value: {a: 1}, why: w, source: assumed}}", "a text is expected"),
    ("values: {kernel.hz: {value: '', why: w, source: assumed}}", "a text is expected"),
    ("values: {kernel.hz: {value: 250, why: '', source: assumed}}", "a text is expected"),
    ("values: {kernel.hz: {value: 250, source: assumed}}", "'why' is missing"),
    ("values: {kernel.hz: {why: w, source: assumed}}", "'value' is missing"),
    ("values: {kernel.hz: {value: 250, why: w, source: assumed, unit: Hz}}", "'unit' is not legal"),
    ("values: {[a]: {value: 250, why: w, source: assumed}}", "a text is expected"),
    ("values: {kernel.hz: {value: 1, why: w, source: assumed, why: v}}", "'why' is written twice"),
    ("parent: [a]", "a text is expected"),
    ("parent: ''", "a text is expected"),
    ("Values: {}", "legal are profile, summary, parent, values"),
    ("<<: {values: {}}", "'<<' is not legal here"),
  ])
  func aWrongShapeIsNamedWithItsLine(last: String, part: String) throws {
    let folder = try ModelsFolder()
    let sentence = try folder.refusal("profile: kernel\nsummary: x\n" + last)
    #expect(sentence.contains(part), "\(sentence)")
    #expect(sentence.hasPrefix(folder.path(.kernel, "mine") + ":3: "), "\(sentence)")
  }

  @Test(arguments: ["given here", "Measured", "guessed", "assumedly", "public: x", ": assumed"])
  func aSourceOfAnotherKindIsRefused(source: String) throws {
    var file = Self.good
    file.values[1].source = source
    let folder = try ModelsFolder()
    let sentence = try folder.refusal(file.text)
    #expect(sentence.contains("value '\(source)' of kernel.hz source is not legal; write measured"))
    #expect(sentence.contains("mine.yaml:\(file.line(of: 1)):"), "\(sentence)")
  }

  @Test(arguments: [
    ("measured", Provenance.measured), ("measured: on 2024-05-01", .measured),
    ("published: KJ24-01", .published), ("fitted on AS24-03", .fitted),
    ("assumed, after ZY20C-16", .assumed), ("assumed", .assumed),
  ])
  func theFirstWordOfASourceIsItsKind(source: String, kind: Provenance) throws {
    var file = Self.good
    file.values[1].source = source
    let folder = try ModelsFolder()
    try folder.write(file, as: "mine")
    let entry = try folder.store.load(KernelProfile.self, named: "mine").entries.last
    #expect(entry?.key == "kernel.hz" && entry?.source == source && entry?.provenance == kind)
  }

  @Test func aValueWithALineEndInItIsRefusedInOneLine() throws {
    let text = Self.good.text.replacingOccurrences(of: "'1000'", with: "\"2\\n50\"")
    let sentence = try ModelsFolder().refusal(text)
    #expect(sentence.contains("of kernel.hz is not legal; write 100, 250, 300, 1000"))
    #expect(!sentence.contains("\n"))
  }

  /// Any byte of a good file changed, dropped or doubled: the file loads, or one sentence with the
  /// file's name says why not.
  @Test(arguments: Property.seeds(30))
  func aDamagedFileLoadsOrIsRefusedInASentence(seed: UInt64) throws {
    var chance = Seed(seed).stream("damage")
    let folder = try ModelsFolder()
    let letters = Array(" \t\n:-'\"{}[]#&*!|>%@`,?~0aZ\u{7F}\u{0}".utf8)
    for _ in 0..<12 {
      var bytes = Array(Self.good.text.utf8)
      for _ in 0...chance.uniform(below: 3) {
        let place = Int(chance.uniform(below: UInt64(bytes.count)))
        let letter = letters[Int(chance.uniform(below: UInt64(letters.count)))]
        switch chance.uniform(below: 3) {
        case 0: bytes[place] = letter
        case 1: bytes.remove(at: place)
        default: bytes.insert(letter, at: place)
        }
      }
      try folder.write(String(decoding: bytes, as: UTF8.self), as: "mine")
      do throws(ProfileError) {
        _ = try folder.store.load(KernelProfile.self, named: "mine")
      } catch {
        let sentence = error.description
        let isNamed = sentence.hasPrefix(folder.path(.kernel, "mine"))
        #expect(isNamed || sentence.hasPrefix("profile mine: "), "\(seed): \(sentence)")
      }
    }
  }
}
