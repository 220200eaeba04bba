// SPDX-License-Identifier: GPL-3.0-or-later

import ArgumentParser
import Calibration
import Foundation
import Profiles
import Randomness
import Reports
import Scenarios

/// `s2tune validate`: the simulator against real kernels and published measurements.
struct ValidateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "validate",
    abstract: "Holds the simulator against published measurements, fact by fact.",
    discussion: """
      A fact is run as its file says and judged by its claim. Facts of use 'fit' may have set a       parameter and score nothing. Exit code 1 when a gated fact is missed. Without --facts all       files under models/facts are run.
      """
  )

  @OptionGroup var common: CommonOptions
  @Option(
    help: ArgumentHelp("A file of facts; may be repeated.", valueName: "file"),
    completion: .file(extensions: ["yaml"])
  )
  var facts: [String] = []
  @Option(help: ArgumentHelp("Only facts whose name begins so.", valueName: "prefix"))
  var only = ""
  @Option(help: "Runs of each experiment, with different chance.")
  var replicates = 3
  @Option(help: "The seed of all chance.")
  var seed: UInt64 = 1
  @Flag(help: "Simulate a steady window of each operation instead of the whole.")
  var window = false

  func run() throws {
    guard (1...1_000).contains(replicates) else {
      throw Failure.usage("--replicates \(replicates) is not legal; write 1 to 1000")
    }
    let store = try common.store()
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
    let summary = ValidationSummary(results, unexpressed: files.flatMap(\.unexpressed))
    try write(summary)
    guard summary.passes else { throw Negative(sentence: "a gated fact is missed") }
  }

  private func write(_ summary: ValidationSummary) throws {
    guard common.format == .text else { return try answer(json: summary) }
    answer(summary.text())
  }
}

extension FactError: Refusal {
  var status: Status { .data }
}
