// SPDX-License-Identifier: GPL-3.0-or-later

import ArgumentParser
import Calibration
import Files
import Foundation
import Operations
import Profiles
import Quantities
import Reports

/// `s2tune calibrate`: the costs of a host, fitted to what was measured on it.
struct CalibrateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "calibrate",
    abstract: "Fits a host's costs to measurements, and writes its profile.",
    discussion: """
      A file is recognised by its content: output of stage2probe (Probe/), of the KVM selftests, a \
      trace of the stage-2 walker, a CSV of own measurements with the units in its header, event \
      counts of a kernel with their instructions, and files of facts, of which those of use 'fit' \
      about the host count. Without a file, the shipped facts about the host are taken. The simulator \
      itself is the model; what the files do not tell stays as the base profile has it, and says so. \
      Examples:
        s2tune calibrate probe.jsonl --host graviton3 --kernel 6.12 -o hosts/mine.yaml
        s2tune calibrate times.csv dirty_log_perf_test.log --host generic-armv8.4 --kernel 6.1
        s2tune calibrate --host graviton3
      """
  )

  @OptionGroup var common: CommonOptions
  @Argument(help: "Files of measurements; - is standard input.", completion: .file())
  var files: [String] = []
  @Option(
    help: "The host profile that the fit starts from, and that stands for what no file tells.",
    completion: .custom { _, _, _ in names(of: .host) }
  )
  var host: String
  @OptionGroup var under: MeasuredOptions
  @Option(
    help: "The workload whose answer the next measurement is to make surer.",
    completion: .custom { _, _, _ in names(of: .workload) }
  )
  var workload = "container-churn"
  @Option(
    name: .shortAndLong,
    help: ArgumentHelp(
      "Writes the profile; in a directory 'hosts' the file's name is the host's.",
      valueName: "file"
    ),
    completion: .file(extensions: ["yaml"])
  )
  var output: String?
  @Flag(help: "Replaces a file that exists.")
  var force = false

  struct Answer: Encodable {
    struct Parameter: Encodable {
      let key: String
      let baseNs: Double?
      let fittedNs: Double
      let relativeError: Double
      let standing: String
      let together: [String]

      enum CodingKeys: String, CodingKey {
        case key, standing, together
        case baseNs = "base_ns"
        case fittedNs = "fitted_ns"
        case relativeError = "relative_error"
      }
    }
    struct Residual: Encodable {
      let source: String
      let name: String
      let measured: Double
      let predicted: Double
      let isTime: Bool
      let isOutlier: Bool

      enum CodingKeys: String, CodingKey {
        case source, name, measured, predicted
        case isTime = "is_time"
        case isOutlier = "is_outlier"
      }
    }
    let host: String
    let parameters: [Parameter]
    let residuals: [Residual]
    let passedOver: [String]
    let next: [NextMeasurement]
    let profile: String

    enum CodingKeys: String, CodingKey {
      case host, parameters, residuals, next, profile
      case passedOver = "passed_over"
    }
  }

  func run() throws {
    if let output { try ProfileOutput.check(output, force: force) }
    let store = try common.store()
    let base = try store.load(HostProfile.self, named: host).profile
    let evidence = try self.evidence(store)
    let fit = try HostFit(base: base, evidence: evidence.all)
    let setup = try LoadedSetup(workload: workload, host: host, kernel: under.kernel, from: store)
      .setup
    let next = try NextMeasurement.ranked(fit, setup: setup)
    let profile = fit.profile(parent: host, kernel: under.kernel)
    // What is written can be read.
    let probe = "calibrated-host"
    _ = try store.making { kind, _ in kind == .host ? profile : nil }
      .load(HostProfile.self, named: probe)
    if let output { try UserFile.write(profile, to: output, force: force) }
    guard common.format == .text else {
      return try answer(json: document(fit, evidence.passedOver, next, profile), .calibrate)
    }
    try answer(
      fit.text(
        base: host,
        passedOver: evidence.passedOver,
        next: next,
        output: output
      )
    )
  }

  private func evidence(_ store: ProfileStore) throws -> CalibrationFiles {
    if files.isEmpty {
      let facts = try FactSources.files([], in: store).flatMap { path in
        try FactFile(parsing: try UserFile.read(path, limit: 1 << 20), file: path).facts
      }
      let evidence = try CostEvidence.facts(facts, host: host, store: store)
      guard !evidence.isEmpty else {
        throw HostFitError.noEvidence(
          "no fact of use 'fit' is about host '\(host)'; nothing can be fitted"
        )
      }
      return CalibrationFiles(all: evidence)
    }
    return try CalibrationFiles(
      files,
      host: host,
      kernel: under.kernel,
      machine: under.machine,
      store: store
    )
  }

  private func document(
    _ fit: HostFit,
    _ passedOver: [String],
    _ next: [NextMeasurement],
    _ profile: String
  ) -> Answer {
    Answer(
      host: host,
      parameters: fit.parameters.map {
        .init(
          key: $0.key,
          baseNs: $0.base,
          fittedNs: $0.fitted,
          relativeError: $0.spread,
          standing: $0.standing.word,
          together: $0.standing.others
        )
      },
      residuals: fit.residuals.map {
        .init(
          source: $0.sample.source,
          name: $0.sample.id,
          measured: $0.sample.measured,
          predicted: $0.predicted,
          isTime: $0.sample.isTime,
          isOutlier: $0.isOutlier
        )
      },
      passedOver: passedOver,
      next: next,
      profile: profile
    )
  }
}

/// The files of facts that a command reads.
enum FactSources {
  /// The files that were named, or all files of facts in the first models directory that has any.
  static func files(_ named: [String], in store: ProfileStore) throws -> [String] {
    guard named.isEmpty else { return named }
    let folders = store.directories.map { $0.appendingPathComponent("facts").path }
    for folder in folders {
      let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
      let files = names.filter { $0.hasSuffix(".yaml") }.sorted()
      if !files.isEmpty { return files.map { folder + "/" + $0 } }
    }
    throw Failure.usage(
      "no file of facts in \(folders.joined(separator: ", ")); name one with --facts"
    )
  }
}

/// Files that profiles are written to.
enum ProfileOutput {
  /// Refuses a file that names no profile, or exists, before any work is done for it.
  static func check(_ output: String, force: Bool) throws {
    _ = try name(output)
    guard force || !FileManager.default.fileExists(atPath: output) else {
      throw FileError.exists(path: output)
    }
  }

  /// The profile's name: the file's without its ending.
  static func name(_ output: String) throws -> String {
    let file = output.split(separator: "/").last.map(String.init) ?? ""
    let name = file.hasSuffix(".yaml") ? String(file.dropLast(5)) : ""
    guard ProfileStore.isLegal(name) else {
      throw Failure.usage(
        "--output '\(output)' names no profile; write a file such as hosts/mine.yaml, its name of letters, "
          + "digits, '.', '-' and '_'"
      )
    }
    return name
  }
}

extension HostFitError: Refusal {
  var status: Status { .data }
}
