// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Observations
import Operations
import PageTables
import Policies
import Profiles
import Quantities
import Randomness
import TestSupport
import Testing

@testable import Tuning

/// The engine that the tests' answers are of.
private let exampleEngine = Engine(simulator: "1", model: "formula")

/// A table of two cases, answered with the formula.
private func exampleTable(noise: Double = 0.002) throws -> (TuningTable, [Question]) {
  var small = exampleQuestion()
  small.workload.name = "churn-small"
  small.workload.memory.size = .gibibytes(16)
  let questions = [exampleQuestion(), small]
  let tools = TuningTools(
    simulator: FormulaSimulator(noise: noise),
    predictor: FormulaPredictor(),
    safety: FormulaSafety()
  )
  let exporter = Exporter(store: nil, engine: exampleEngine) { _ in tools }
  return (try exporter.table(questions), questions)
}

@Suite struct TableTests {
  @Test func jsonReadsBackAndNonsenseIsRefused() throws {
    let (table, _) = try exampleTable()
    let data = try AnswerStore.json(table)
    #expect(try TuningTable(json: data, file: "t.json") == table)
    let text = String(decoding: data, as: UTF8.self)
    let spoiled = [
      text.replacing("\"schema_version\" : 1", with: "\"schema_version\" : 9"),
      text.replacing("chunk=1GiB", with: "chunk=1XiB"),
      text.replacing("churn-small", with: "churn"),
      text.replacing("\"verdict\" : \"change\"", with: "\"verdict\" : \"none-feasible\""),
      "{",
    ]
    for bad in spoiled {
      #expect(bad != text)
      #expect(throws: TuningError.self, "\(bad.prefix(80))") {
        try TuningTable(json: Data(bad.utf8), file: "t.json")
      }
    }
  }

  /// Everything a table holds is described in its schema, and everything required is in it.
  @Test func jsonGoesWithItsSchema() throws {
    let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent()
      .appendingPathComponent("docs/schemas/tuning-table.json")
    func object(_ value: Any?) throws -> [String: Any] { try #require(value as? [String: Any]) }
    let schema = try object(JSONSerialization.jsonObject(with: Data(contentsOf: file)))
    let data = try AnswerStore.json(exampleTable().0)
    let table = try object(JSONSerialization.jsonObject(with: data))
    func check(_ value: [String: Any], _ schema: [String: Any]) throws {
      let legal = try object(schema["properties"])
      #expect(Set(value.keys).isSubset(of: legal.keys))
      let required = try #require(schema["required"] as? [String])
      #expect(Set(required).isSubset(of: value.keys))
    }
    try check(table, schema)
    let form = try object(object(object(schema["properties"])["entries"])["items"])
    for entry in try #require(table["entries"] as? [[String: Any]]) {
      try check(entry, form)
      try check(object(entry["key"]), object(object(form["properties"])["key"]))
    }
  }

  /// One size, a power of two, is a constant in one place; the rest of a change is named beside it.
  @Test(arguments: [
    ("chunk=2MiB,tlbi=per-leaf", "2097152UL", nil),
    ("chunk=128MiB,tlbi=vmid:4096", "134217728UL", "tlbi=vmid:4096"),
    ("chunk=64KiB,controller=feedback:64KiB/4", "65536UL", "controller=feedback:64KiB/4"),
    ("chunk=mapping-aware:2MiB,tlbi=per-leaf", nil, nil), ("chunk=visits:4096", nil, nil),
    ("chunk=384KiB,tlbi=per-leaf", nil, nil), (nil, nil, nil),
  ])
  func aChunkOfOneSizeIsASemanticPatch(change: String?, size: String?, beside: String?) throws {
    let entry = try #require(exampleTable().0.entries.first)
    guard let size else {
      #expect(throws: TuningError.self) { try entry.semanticPatch(of: change) }
      return
    }
    let patch = try entry.semanticPatch(of: change)
    #expect(patch.contains("+T chunk = \(size);"))
    #expect(patch.contains("GPL-2.0-only OR MIT"))
    #expect(patch.contains("not in this patch: \(beside ?? "")") == (beside != nil))
  }

  /// The patch with which the lab built the kernel of docs/proved.md is the one that is written.
  @Test func theLabsPatchIsTheOneThatIsWritten() throws {
    let entry = try #require(exampleTable().0.entries.first)
    let kept = try String(
      contentsOf: packageRoot.appending(path: "Lab/patches/chunk-2mib.cocci"),
      encoding: .utf8
    )
    func rules(_ text: String) -> [Substring] {
      text.split(separator: "\n").filter { !$0.hasPrefix("//") }
    }
    #expect(try rules(entry.semanticPatch(of: "chunk=2MiB,tlbi=per-leaf")) == rules(kept))
  }

  @Test func csvHasOneLineAnEntryAndQuotesCommas() throws {
    let (table, _) = try exampleTable()
    let lines = table.csv.components(separatedBy: "\r\n").filter { !$0.isEmpty }
    #expect(lines.count == 3)
    #expect(lines[0].hasPrefix("host,kernel,workload,"))
    #expect(lines[1].contains("\"chunk=1GiB,tlbi=per-leaf"))
    #expect(table.markdown.split(separator: "\n").count == 4)
    #expect(table.decisions.components(separatedBy: "\r\n").count >= 3)
  }

  /// The header compiles alone, with every warning an error, and holds the recommended slice.
  @Test func theHeaderCompiles() throws {
    let (table, _) = try exampleTable()
    let directory = FileManager.default.temporaryDirectory
      .appendingPathComponent("s2tune-header-\(ProcessInfo.processInfo.processIdentifier)")
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: directory) }
    try table.header.write(
      to: directory.appendingPathComponent("s2tune.h"),
      atomically: true,
      encoding: .utf8
    )
    let program = """
      #include "s2tune.h"
      struct entry { unsigned long long shift; const char *features; unsigned long long v[6]; };
      #define ENTRY(a, b, ...) { a, b, { __VA_ARGS__ } },
      static const struct entry entries[] = { S2TUNE_ENTRIES(ENTRY) };
      int main(void) {
        return sizeof(entries) / sizeof(entries[0]) == 2 && entries[0].shift == 12
          && S2TUNE_BENCH_6_1_CHURN_SLICE_BYTES > 0 ? 0 : 1;
      }
      """
    let source = directory.appendingPathComponent("main.c")
    try program.write(to: source, atomically: true, encoding: .utf8)
    let binary = directory.appendingPathComponent("main")
    let flags = ["-Wall", "-Wextra", "-Werror", "-pedantic", "-std=c11"]
    #expect(try status("gcc", flags + ["-o", binary.path, source.path]) == 0)
    #expect(try status(binary.path, []) == 0)
  }

  private func status(_ program: String, _ arguments: [String]) throws -> Int32 {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = [program] + arguments
    try process.run()
    process.waitUntilExit()
    return process.terminationStatus
  }

  @Test func todayFormatsHoldTheVMMsValues() throws {
    let (table, _) = try exampleTable()
    let entry = table.entries[0]
    #expect(entry.tunedProfile.contains("[main]\n"))
    #expect(!entry.tunedProfile.contains("s2tune_slice_bytes=0\n") || entry.recommended == nil)
    #expect(entry.qemuArguments.isEmpty)
  }

  /// QEMU counts a CLEAR range in its own pages of 4 KiB, the kernel in those of the host.
  @Test(
    arguments: Granule.allCases,
    [
      ("4MiB", 10, "4 MiB, 4194304 bytes"), ("1GiB", 18, "1 GiB, 1073741824 bytes"),
      ("12MiB", 11, "8 MiB, 8388608 bytes"), ("16TiB", 31, "8 TiB, 8796093022208 bytes"),
    ]
  )
  func aClearRangeIsToldToQEMUInItsOwnPages(
    granule: Granule,
    range: (text: String, shift: Int, bytes: String)
  ) throws {
    let option = "migration.x-clear-bitmap-shift=\(range.shift)"
    var question = exampleQuestion()
    question.host.granule = granule
    question.workload.operation = .migration
    let policy = try Policy(parsing: "clear=\(range.text)", over: question.presentPolicy)
    let change = try #require(policy.changes(from: question.presentPolicy).first)
    let steps = policy.steps(change, question)
    let line = try #require(steps.first { $0.place == "qemu" }).text
    #expect(line.contains("-global \(option) (ranges of \(range.bytes), "), "\(line)")
    #expect(line.contains("default 18, 1 GiB"))
    let pages = try ByteCount(parsing: range.text).rawValue / granule.page.rawValue
    let ioctl = try #require(steps.first { $0.place == "ioctl" }).text
    #expect(ioctl.contains("num_pages=\(pages) (\(granule.rawValue) pages of the host)"))

    let (table, _) = try exampleTable()
    let entry = table.entries[0]
    let text = String(decoding: try AnswerStore.json(table), as: UTF8.self)
      .replacing("\"granule\" : \"4K\"", with: "\"granule\" : \"\(granule.rawValue)\"")
      .replacing(try #require(entry.recommended), with: policy.description)
    let lines = try TuningTable(json: Data(text.utf8), file: "t.json").qemuLines
    #expect(lines.contains("# \(entry.name): CLEAR in ranges of \(range.bytes), "), "\(lines)")
    #expect(lines.contains("\n-global \(option)\n"), "\(lines)")
  }

  /// What an answer turns stands in every format that can say it.
  @Test func aRingAndASplitAreExported() throws {
    let (table, _) = try exampleTable()
    let policy = "chunk=1GiB,tlbi=per-leaf,split=2MiB,log=protect,harvest=ring:4096,path=munmap"
    let text = String(decoding: try AnswerStore.json(table), as: UTF8.self)
      .replacing(try #require(table.entries[0].recommended), with: policy)
    let changed = try TuningTable(json: Data(text.utf8), file: "t.json")
    #expect(
      changed.entries[0].qemuArguments
        == ["-accel", "kvm,eager-split-size=2097152,dirty-ring-size=4096"]
    )
    let tuned = changed.entries[0].tunedProfile
    for line in ["harvest=ring:4096", "log=protect", "path=munmap", "split_bytes=2097152"] {
      #expect(tuned.contains("s2tune_\(line)\n"), "\(line)")
    }
    #expect(changed.header.contains("_RING_ENTRIES 4096ULL"))
  }

  @Test func diffFindsWhatChangedAndNothingElse() throws {
    let (table, _) = try exampleTable()
    #expect(table.changes(to: table).isEmpty)
    let fewer = TuningTable(engine: table.engine, entries: Array(table.entries.dropLast()))
    let changes = table.changes(to: fewer)
    #expect(changes.map(\.field) == ["entry"])
    #expect(changes.first?.new == nil)
  }

  @Test func verifyConfirmsAndCatchesAFalseFigure() throws {
    let (table, questions) = try exampleTable()
    let verifier = TableVerifier(tools: exampleTools())
    #expect(try verifier.verify(table.entries[0], question: questions[0]).isConfirmed)
    let text = String(decoding: try AnswerStore.json(table), as: UTF8.self)
    let limits = text.replacing("io.goodput>=0.97", with: "io.goodput>=0.97")
    #expect(limits == text)
    var strict = questions[0]
    strict.serviceLevels = [ServiceLevel(.teardownTime, .time(.seconds(1)))]
    let verdict = try verifier.verify(table.entries[0], question: strict)
    #expect(!verdict.isConfirmed)
    #expect(verdict.findings.first?.contains("teardown.time<=1s") == true)
  }
}

@Suite struct AnswerStoreTests {
  private func temporary() throws -> URL {
    let url = FileManager.default.temporaryDirectory
      .appendingPathComponent("s2tune-store-\(UInt64.random(in: 0...UInt64.max))")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    return url
  }

  @Test func storedAnswersAreFoundAgainWithoutRuns() throws {
    let directory = try temporary()
    defer { try? FileManager.default.removeItem(at: directory) }
    let store = AnswerStore(directories: [], kept: directory)
    let first = Exporter(store: store, engine: exampleEngine) { _ in exampleTools() }
    let answer = try first.answer(exampleQuestion())
    let reading = AnswerStore(directories: [directory])
    let silent = Exporter(store: reading, engine: exampleEngine) { _ in
      TuningTools(simulator: Refusing(), predictor: nil, safety: FormulaSafety())
    }
    #expect(try silent.answer(exampleQuestion()) == answer)
    #expect(try silent.missing([exampleQuestion()]).isEmpty)
    var other = exampleQuestion()
    other.seed = 2
    #expect(try silent.missing([other]).count == 1)
    #expect(throws: TuningError.simulation("not now")) { try silent.answer(other) }
  }

  /// An answer of another simulator or another model is named as stale and never used.
  @Test(arguments: [
    Engine(simulator: "0", model: "formula"), Engine(simulator: "1", model: "another"),
    Engine(simulator: "1", model: nil),
  ])
  func anAnswerOfAnotherEngineIsRefused(engine: Engine) throws {
    let directory = try temporary()
    defer { try? FileManager.default.removeItem(at: directory) }
    let store = AnswerStore(directories: [], kept: directory)
    let first = Exporter(store: store, engine: exampleEngine) { _ in exampleTools() }
    _ = try first.answer(exampleQuestion())
    guard case .stale(let file, let made) = try store.find(exampleQuestion(), engine: engine)
    else {
      Issue.record("an answer of \(exampleEngine) was taken for one of \(engine)")
      return
    }
    #expect(file.hasSuffix("bench/6.1/churn.json") && made == exampleEngine)
    let other = Exporter(store: store, engine: engine) { _ in exampleTools() }
    #expect(try other.missing([exampleQuestion()]).count == 1)
  }

  @Test func everythingAnAnswerDependsOnIsInTheKey() {
    let base = AnswerStore.key(exampleQuestion())
    #expect(base.count == 32)
    var variants = [exampleQuestion(), exampleQuestion(), exampleQuestion(), exampleQuestion()]
    variants[0].host.stage2.leafCleared = UnitCost(rawValue: 1)
    variants[1].kernel.hz = 100
    variants[2].workload.network.flows = 3
    variants[3].confidence = 0.9
    #expect(Set(variants.map { AnswerStore.key($0) } + [base]).count == 5)
  }

  @Test func aBrokenFileIsASentence() throws {
    let directory = try temporary()
    defer { try? FileManager.default.removeItem(at: directory) }
    let folder = directory.appendingPathComponent("bench/6.1")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    try Data("{".utf8).write(to: folder.appendingPathComponent("churn.json"))
    #expect(throws: TuningError.self) {
      try AnswerStore(directories: [directory]).find(exampleQuestion(), engine: exampleEngine)
    }
  }

  private struct Refusing: PolicySimulator {
    func report(
      _ question: Question,
      policy: Policy,
      seed: Seed,
      extent: RunExtent
    ) throws(TuningError) -> RunReport {
      throw .simulation("not now")
    }
  }
}
