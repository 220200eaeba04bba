// SPDX-License-Identifier: GPL-3.0-or-later

import ArgumentParser
import Files
import Calibration
import Foundation
import Operations
import Profiles
import Randomness
import Reports
import Scenarios

/// `s2tune validate`: the simulator against real kernels and published measurements.
struct ValidateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "validate",
    abstract: "Holds the simulator against real kernels' counts and published measurements.",
    discussion: """
      --counts replays every row of a file of event counts (the format of \
      models/facts/captures/kernel-counts.csv) and compares it cell by cell; every difference is \
      printed, and for every row that is not replayed why. Which series and phases are known says \
      models/facts/captures/README.md. A fact is run as its file says and judged by its claim; facts of use 'fit' may have \
      set a parameter and score nothing. Exit code 1 when a count differs or a gated fact is \
      missed. Without --counts and --facts all files under models/facts are run. --measured holds a \
      host against what was measured on it, in any file that calibrate reads; what the host was \
      fitted to judges nothing.
        s2tune validate --measured probe.jsonl --host mine --kernel 6.12
      """
  )

  @OptionGroup var common: CommonOptions
  @Option(
    help: ArgumentHelp("A file of event counts; may be repeated.", valueName: "file"),
    completion: .file(extensions: ["csv"])
  )
  var counts: [String] = []
  @Option(
    help: ArgumentHelp("A file of facts; may be repeated.", valueName: "file"),
    completion: .file(extensions: ["yaml"])
  )
  var facts: [String] = []
  @Option(
    help: ArgumentHelp("A file that was measured on --host; may be repeated.", valueName: "file"),
    completion: .file()
  )
  var measured: [String] = []
  @Option(
    help: "The host profile that --measured is held against.",
    completion: .custom { _, _, _ in names(of: .host) }
  )
  var host: String?
  @OptionGroup var under: MeasuredOptions
  @Option(help: ArgumentHelp("Only facts whose name begins so.", valueName: "prefix"))
  var only = ""
  @Option(help: "Runs of each experiment, with different chance.")
  var replicates = 3
  @Option(help: "The seed of all chance.")
  var seed: UInt64 = 1
  @Flag(help: "Simulate a steady window of each operation instead of the whole.")
  var window = false

  @Option(
    help: ArgumentHelp(
      "Writes what the facts that answers quote came to, as \(ValidationRecord.path) of the models "
        + "directory holds it.",
      valueName: "file"
    ),
    completion: .file(extensions: ["json"])
  )
  var record: String?
  @Flag(help: "Replaces the record where it exists.")
  var force = false

  /// Both comparisons; one that was not asked for is absent.
  struct Answer: Encodable {
    var counts: [CountsSummary]?
    var facts: ValidationSummary?
    var measured: MeasuredValidation?
  }

  func run() throws {
    guard (1...1_000).contains(replicates) else {
      throw Failure.usage("--replicates \(replicates) is not legal; write 1 to 1000")
    }
    if let record, !force, FileManager.default.fileExists(atPath: record) {
      throw FileError.exists(path: record)
    }
    guard record == nil || counts.isEmpty || !facts.isEmpty || !only.isEmpty else {
      throw Failure.usage("--record holds facts, and --counts alone runs none; leave one out")
    }
    let store = try common.store()
    var answer = Answer()
    if !counts.isEmpty { answer.counts = try counts.map(Self.compare) }
    let isFree = counts.isEmpty && measured.isEmpty
    if isFree || !facts.isEmpty || !only.isEmpty { answer.facts = try judge(store) }
    if !measured.isEmpty { answer.measured = try hold(store) }
    try write(answer)
    let differ = answer.counts?.filter { !$0.passes }.map(\.file) ?? []
    guard differ.isEmpty else {
      throw Negative(sentence: "\(differ.joined(separator: ", ")): not every row is equal")
    }
    guard answer.facts?.passes ?? true else { throw Negative(sentence: "a gated fact is missed") }
  }

  private static func compare(_ path: String) throws -> CountsSummary {
    CountsSummary(CountsValidation(try KernelCounts(reading: TextLines(path))))
  }

  private func hold(_ store: ProfileStore) throws -> MeasuredValidation {
    guard let host else {
      throw Failure.usage("--measured needs --host, the host that it was measured on")
    }
    let loaded = try store.load(HostProfile.self, named: host)
    let files = try CalibrationFiles(
      measured,
      host: host,
      kernel: under.kernel,
      machine: under.machine,
      store: store
    )
    return try MeasuredValidation(loaded, named: host, files)
  }

  private func judge(_ store: ProfileStore) throws -> ValidationSummary {
    let files = try FactSources.files(facts, in: store).map { path in
      try FactFile(parsing: try UserFile.read(path, limit: 1 << 20), file: path)
    }
    let chosen = files.flatMap(\.facts).filter { $0.id.hasPrefix(only) }
    guard !chosen.isEmpty else {
      throw Failure.usage(
        "--only '\(only)' leaves no fact; \(files.flatMap(\.facts).count) are known"
      )
    }
    let validation = Validation(
      store: store,
      seed: Seed(seed),
      replicates: replicates,
      extent: window ? .window(Window()) : .exact
    )
    let progress = ProgressLine()
    let results = validation.run(chosen) { done in
      progress.show(done, of: chosen.count, "facts")
    }
    progress.clear()
    if let record {
      try UserFile.write(ValidationRecord(results).json(), to: record, force: force)
    }
    return ValidationSummary(results, unexpressed: files.flatMap(\.unexpressed))
  }

  private func write(_ answered: Answer) throws {
    guard common.format == .text else { return try answer(json: answered, .validate) }
    let texts =
      (answered.counts ?? []).map { $0.text() }
      + [answered.facts?.text(), answered.measured?.text()].compactMap(\.self)
    try answer(texts.joined(separator: "\n"))
  }
}

extension FactError: Refusal {
  var status: Status { .data }
}
