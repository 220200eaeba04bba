// SPDX-License-Identifier: GPL-3.0-or-later

import Calibration
import Foundation
import Profiles
import Quantities
import TestSupport
import Testing

/// Files of measurements as evidence: what is recognised, taken, passed over and refused.
@Suite struct CalibrationFilesTests {
  private static let store = ProfileStore(directories: [packageRoot.appending(path: "models")])
  private static let captures = packageRoot.appending(path: "models/facts/captures")

  private static func read(
    _ files: [String],
    host: String = "generic-armv8.4",
    kernel: String = "6.12",
    machine: String? = nil
  ) throws -> CalibrationFiles {
    try CalibrationFiles(files, host: host, kernel: kernel, machine: machine, store: store)
  }

  private static func capture(_ name: String) -> String {
    captures.appending(path: name).path
  }

  /// A file of the given text, gone with the test.
  private static func withFile<Result>(
    _ text: String,
    _ body: (String) throws -> Result
  ) throws -> Result {
    let folder = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let path = folder.appending(path: "measured")
    try Data(text.utf8).write(to: path)
    return try body(path.path)
  }

  private static func refusal(_ text: String) throws -> String {
    try withFile(text) { path in
      do {
        _ = try read([path])
        return "taken"
      } catch { return "\(error)" }
    }
  }

  // MARK: - The probe

  @Test(
    "a probe's record sets costs, and the fitted host gives its times",
    arguments: [("6.12.107_max", "6.12"), ("6.1.0_n1", "6.1"), ("7.3.4_max", "7.3")]
  )
  func probe(name: String, kernel: String) throws {
    let host = name.hasSuffix("n1") ? "ampere-altra" : "generic-armv8.4"
    let files = try Self.read([Self.capture("probe/\(name).jsonl")], host: host, kernel: kernel)
    let base = try Self.store.load(HostProfile.self, named: host).profile
    let fit = try HostFit(base: base, evidence: files.all)
    let errors = fit.residuals.map(\.error.magnitude).sorted()
    #expect(errors.count >= 15)
    #expect(errors[errors.count / 2] < 0.05, "\(name): \(errors)")
    let before = try files.all.flatMap { try $0.predictions(on: base) }
    let measured = files.all.flatMap(\.samples).map(\.measured)
    let first = zip(before, measured).map { ($0 / $1 - 1).magnitude }.sorted()
    #expect(first[first.count / 2] > 0.2, "the base already fits: the test shows nothing")
  }

  @Test("what was fitted on a small guest holds for one four times as large")
  func probeHeldOut() throws {
    let text = try String(contentsOfFile: Self.capture("probe/6.12.107_max.jsonl"), encoding: .utf8)
    let small = text.split(separator: "\n").filter { !$0.contains("\"memory_bytes\":67108864") }
    let large = text.split(separator: "\n").filter { !$0.contains("\"memory_bytes\":16777216") }
    let base = try Self.store.load(HostProfile.self, named: "generic-armv8.4").profile
    let fit = try Self.withFile(small.joined(separator: "\n")) { path in
      try HostFit(base: base, evidence: try Self.read([path]).all)
    }
    let rest = try Self.withFile(large.joined(separator: "\n")) { try Self.read([$0]) }
    let predicted = try rest.all.flatMap { try $0.predictions(on: fit.host) }
    let samples = rest.all.flatMap(\.samples)
    let errors = zip(predicted, samples).map { ($0 / $1.measured - 1).magnitude }
    #expect(errors.sorted()[errors.count / 2] < 0.05, "\(errors)")
    // Eager splits, of pages that are there already too: with prices of their own.
    let splits = zip(samples, errors).filter { $0.0.id.hasPrefix("split") }
    #expect(splits.count == 4)
    #expect(splits.allSatisfy { $0.1 < 0.03 }, "\(splits)")
  }

  @Test("a record that was cut is used as far as it goes, and says so")
  func cutProbe() throws {
    let text = try String(contentsOfFile: Self.capture("probe/6.1.0_n1.jsonl"), encoding: .utf8)
    for end in stride(from: 600, to: text.count, by: 1_709) {
      let record = try ProbeRecording(parsing: String(text.prefix(end)), file: "cut")
      #expect(record.shortfall != nil, "\(end)")
      #expect(record.timings.count <= 60)
    }
    #expect(try ProbeRecording(parsing: text, file: "whole").shortfall == nil)
  }

  @Test(
    "broken records are refused at their line",
    arguments: [
      ("{\"stage2probe\":1,\"kind\":\"run\"}", ":1"),
      ("ENV\n{\"stage2probe\":1,\"kind\":\"nonsense\"}\nENV", ":2"),
      ("ENV\nnonsense\nENV", ":2"),
      ("ENV\n{\"stage2probe\":1,\"kind\":\"summary\",\"phase\":\"get\"}\nENV", ":2"),
      (
        "ENV\n{\"stage2probe\":1,\"kind\":\"summary\",\"phase\":\"get\",\"memory_bytes\":4096,\"backing\":\"4k\",\"vcpus\":1,\"unit_bytes\":0,\"calls\":1,\"repeats\":1,\"median_ns\":-4,\"mad_ns\":0}\nENV",
        ":2"
      ),
      (
        "ENV\n{\"stage2probe\":1,\"kind\":\"summary\",\"phase\":\"get\",\"memory_bytes\":1e300,\"backing\":\"4k\",\"vcpus\":1,\"unit_bytes\":0,\"calls\":1,\"repeats\":1,\"median_ns\":4,\"mad_ns\":0}\nENV",
        ":2"
      ),
    ]
  )
  func brokenProbe(text: String, place: String) throws {
    let head =
      "{\"stage2probe\":1,\"kind\":\"environment\",\"kernel\":\"6.1.0\",\"page_bytes\":4096,\"ipa_bits\":40}"
    do {
      _ = try ProbeRecording(parsing: text.replacing("ENV", with: head), file: "probe.jsonl")
      Issue.record("taken: \(text)")
    } catch {
      #expect(error.description.hasPrefix("probe.jsonl\(place)"), "\(error)")
    }
  }

  // MARK: - Own measurements

  @Test("a table of own measurements is taken with its units")
  func table() throws {
    let text = """
      # times of one host
      id,workload,policy,vm.memory [GiB],vm.block_share,stage2_time [ms],repeats,spread [%]
      whole,container-churn,path=munmap,1,0,400,4,8
      sliced,container-churn,path=madvise-slices;slice=2MiB,1,0,420,1,
      huge,container-churn,path=munmap,1,1,1.5,,
      """
    let table = try MeasurementTable(parsing: text, file: "t.csv", host: "graviton3", kernel: "6.1")
    #expect(table.rows.map(\.id) == ["whole", "sliced", "huge"])
    #expect(table.rows[0].value == 400e6 && table.rows[0].spread == 0.04)
    #expect(table.rows[1].experiment.policy == "path=madvise-slices,slice=2MiB")
    #expect(table.rows[0].experiment.settings.map(\.value) == ["1GiB", "0"])
    #expect(table.rows[2].spread == 0.05)
    let base = try Self.store.load(HostProfile.self, named: "graviton3").profile
    let fit = try Self.withFile(text) { path in
      try HostFit(base: base, evidence: try Self.read([path], host: "graviton3", kernel: "6.1").all)
    }
    for residual in fit.residuals { #expect(residual.error.magnitude < 0.05, "\(residual)") }
    // Three values cannot set all that moves them: the rest is named, and stays near the base.
    #expect(fit.parameters.contains { !$0.standing.others.isEmpty })
    for parameter in fit.parameters where parameter.standing == .inherited {
      guard let base = parameter.base, base > 0 else { continue }
      #expect((parameter.fitted / base - 1).magnitude < 0.6, "\(parameter)")
    }
  }

  @Test(
    "broken tables are refused with what is legal",
    arguments: [
      ("id,stage2_time [fortnights]\na,1", "ns, us, ms or s"),
      ("id,stage2_time [ms],teardown_time [ms]\na,1,2", "2 measures"),
      ("id,id,stage2_time [ms]\na,b,1", "two columns"),
      ("id,stage2_time [ms]\na", "2, as the header has"),
      ("id,stage2_time [ms]\na,nan", "a number above zero"),
      ("id,stage2_time [ms]\na,-1", "a number above zero"),
      ("id,stage2_time [ms],repeats\na,1,0", "repeats 0"),
      ("id,stage2_time [ms]\n", "no row"),
      ("vm.memory [parsecs],stage2_time [ms]\n1,1", "vm.memory"),
      ("workload,stage2_time [ms]\nnonsense,1", "nonsense"),
    ]
  )
  func brokenTable(text: String, part: String) throws {
    let refusal = try Self.refusal(text)
    #expect(refusal.contains(part), "\(refusal)")
  }

  // MARK: - Others

  @Test("selftests, traces and counts are taken; what tells no cost is passed over")
  func others() throws {
    let trace = try Self.read([Self.capture("trace/6.12.107_max.kprobe_512M_4k.trace")])
    #expect(!trace.all.flatMap(\.samples).isEmpty)
    let test = "selftests/6.12.107_smp1_kvm_page_table_test_m6_b256M_sanonymous_v1.txt"
    #expect(try !Self.read([Self.capture(test)]).all.flatMap(\.samples).isEmpty)
    #expect(throws: CalibrationError.self) { try Self.read([Self.capture("observed/fio.json")]) }
    #expect(throws: CalibrationError.self) {
      try Self.read([Self.capture("kernel-counts.csv")])
    }
    #expect(throws: CalibrationError.self) {
      try Self.read([Self.capture("kernel-counts.csv")], machine: "2.6/max")
    }
    let both = try Self.read(
      [Self.capture("kernel-counts.csv"), Self.capture("observed/fio.json")],
      machine: "7.3.4/max"
    )
    #expect(both.passedOver.contains { $0.contains("fio.json") })
  }

  @Test("values that fit no host count less and are named")
  func outliers() throws {
    let name = "models/facts/captures/kernel-counts.csv"
    let text = try String(contentsOf: packageRoot.appending(path: name), encoding: .utf8)
    let file = try KernelCounts(parsing: Array(text.utf8), file: name)
    let machine = try #require(file.machines.first)
    let base = try Self.store.load(HostProfile.self, named: "generic-armv8.4").profile
    let clean = try HostFit(base: base, evidence: [.counts(file, machine: machine)])
    // One row in which a digit was lost.
    var lines = text.split(whereSeparator: \.isNewline).map(String.init)
    let row = try #require(lines.firstIndex { $0.contains(",64,4k,64,A.dontneed_all,") })
    var cells = lines[row].split(separator: ",").map(String.init)
    let column = try #require(lines[0].split(separator: ",").firstIndex(of: "stage2_instructions"))
    cells[column] = String(cells[column].dropLast())
    lines[row] = cells.joined(separator: ",")
    let broken = try KernelCounts(parsing: Array(lines.joined(separator: "\n").utf8), file: name)
    let fit = try HostFit(base: base, evidence: [.counts(broken, machine: machine)])
    let worst = try #require(fit.residuals.max { $0.error.magnitude < $1.error.magnitude })
    #expect(worst.isOutlier && worst.sample.id.contains("A.dontneed_all"))
    for (one, other) in zip(clean.parameters, fit.parameters) where one.standing == .measured {
      #expect((one.fitted / other.fitted - 1).magnitude < 0.02, "\(one) \(other)")
    }
  }

  @Test("a file's name with blanks is known again as what a host was fitted to")
  func fittedName() throws {
    let text = try String(contentsOfFile: Self.capture("probe/7.3.4_max.jsonl"), encoding: .utf8)
    let folder = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let path = folder.appending(path: "my host, one.jsonl")
    let other = folder.appending(path: "my host.jsonl")
    for url in [path, other] { try Data(text.utf8).write(to: url) }
    let base = try Self.store.load(HostProfile.self, named: "generic-armv8.4").profile
    let files = try Self.read([other.path], kernel: "7.3")
    let profile = try HostFit(base: base, evidence: files.all)
      .profile(parent: "generic-armv8.4", kernel: "7.3")
    let mine = try Self.store.making { kind, name in
      kind == .host && name == "mine" ? profile : nil
    }.load(HostProfile.self, named: "mine")
    #expect(try MeasuredValidation(mine, named: "mine", files).rows.allSatisfy(\.wasFitted))
    let same = try Self.read([path.path], kernel: "7.3")
    #expect(try MeasuredValidation(mine, named: "mine", same).rows.allSatisfy { !$0.wasFitted })
  }

  @Test("a calibrated host is held against what no fit saw, and not against what it was fitted to")
  func heldOut() throws {
    let small = try Self.read([Self.capture("probe/7.3.4_max.jsonl")], kernel: "7.3")
    let base = try Self.store.load(HostProfile.self, named: "generic-armv8.4").profile
    let text = try HostFit(base: base, evidence: small.all)
      .profile(parent: "generic-armv8.4", kernel: "7.3")
    let mine = try Self.store.making { kind, name in kind == .host && name == "mine" ? text : nil }
      .load(HostProfile.self, named: "mine")
    let fitted = try MeasuredValidation(mine, named: "mine", small)
    #expect(!fitted.rows.isEmpty && fitted.rows.allSatisfy(\.wasFitted) && fitted.errors.isEmpty)
    let other = try Self.read([Self.capture("probe/6.12.107_max.jsonl")])
    let held = try MeasuredValidation(mine, named: "mine", other)
    #expect(held.rows.allSatisfy { !$0.wasFitted } && held.errors.count == held.rows.count)
    // Two releases on one emulated machine are alike, the base is not.
    let far = try MeasuredValidation(
      try Self.store.load(HostProfile.self, named: "generic-armv8.4"),
      named: "generic-armv8.4",
      other
    )
    #expect(held.errors[held.errors.count / 2] < far.errors[far.errors.count / 2] / 2)
  }

  @Test("a fitted profile is read back as it was fitted")
  func profile() throws {
    let files = try Self.read([Self.capture("kernel-counts.csv")], machine: "6.12.107/max")
    let base = try Self.store.load(HostProfile.self, named: "generic-armv8.4").profile
    let fit = try HostFit(base: base, evidence: files.all)
    let text = fit.profile(parent: "generic-armv8.4", kernel: "6.12")
    let read = try Self.store.making { kind, _ in kind == .host ? text : nil }
      .load(HostProfile.self, named: "calibrated").profile
    for parameter in fit.written {
      let key = try #require(HostProfile.keys.first { $0.name == parameter.key })
      let value = try #require(key.cost?.read(read)).inNanoseconds
      #expect((value - parameter.fitted).magnitude <= 1e-5 * parameter.fitted + 0.001)
    }
  }
}
