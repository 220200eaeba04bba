// SPDX-License-Identifier: GPL-3.0-or-later

import ArgumentParser
import Calibration
import Foundation
import Observations
import Profiles
import Quantities
import Reports

/// `s2tune calibrate`: the costs of a host, fitted to the facts that may set them.
struct CalibrateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "calibrate",
    abstract: "Fits a host's costs to the measurements that may set them.",
    discussion: """
      Facts of use 'fit' about the host set the keys that they name; everything else stays as the \
      profile says. The simulator itself is the model. Prints the present and the fitted values; \
      a profile is only ever changed by its owner.
      """
  )

  @OptionGroup var common: CommonOptions
  @Option(help: "The host profile.")
  var host: String
  @Option(
    help: ArgumentHelp("A file of facts; may be repeated.", valueName: "file"),
    completion: .file(extensions: ["yaml"])
  )
  var facts: [String] = []

  struct Answer: Encodable {
    struct Parameter: Encodable {
      let key: String
      let presentNs: Double
      let fittedNs: Double
      let standardErrorNs: Double?

      enum CodingKeys: String, CodingKey {
        case key
        case presentNs = "present_ns"
        case fittedNs = "fitted_ns"
        case standardErrorNs = "standard_error_ns"
      }
    }
    struct Residual: Encodable {
      let fact: String
      let measured: Double
      let predicted: Double
    }
    let host: String
    let parameters: [Parameter]
    let residuals: [Residual]
  }

  func run() throws {
    let store = try common.store()
    let paths = try FactSources.files(facts, in: store)
    let all = try paths.flatMap { path in
      try FactFile(parsing: try UserFile.read(path, limit: 1 << 20), file: path).facts
    }
    let fit = try HostFit(host: host, facts: all, store: store)
    try write(fit)
  }

  private func write(_ fit: HostFit) throws {
    guard common.format == .text else {
      return try answer(
        json: Answer(
          host: fit.host,
          parameters: fit.parameters.map {
            .init(
              key: $0.key,
              presentNs: $0.present,
              fittedNs: $0.fitted,
              standardErrorNs: $0.standardError
            )
          },
          residuals: fit.residuals.map {
            .init(fact: $0.id, measured: $0.measured, predicted: $0.predicted)
          }
        ),
        .calibrate
      )
    }
    var costs = TextTable(columns: [
      .init("key"), .init("present", isNumber: true), .init("fitted", isNumber: true),
      .init("standard error", isNumber: true),
    ])
    for parameter in fit.parameters {
      costs.append([
        parameter.key, significant(parameter.present) + " ns",
        significant(parameter.fitted) + " ns",
        parameter.standardError.map { significant($0, digits: 2) + " ns" } ?? "-",
      ])
    }
    var facts = TextTable(columns: [
      .init("fitted on"), .init("measured", isNumber: true), .init("model", isNumber: true),
      .init("error", isNumber: true),
    ])
    for residual in fit.residuals {
      let written = { (value: Double) in
        residual.unit == .nanoseconds
          ? time(nanoseconds: value) : significant(value, digits: 3)
      }
      facts.append([
        residual.id, written(residual.measured), written(residual.predicted),
        significant(100 * (residual.predicted / residual.measured - 1), digits: 2) + " %",
      ])
    }
    try answer("\(fit.host)\n\n" + costs.text() + "\n" + facts.text())
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

extension HostFitError: Refusal {
  var status: Status { .data }
}
