// SPDX-License-Identifier: GPL-3.0-or-later

import ArgumentParser
import Foundation
import Operations
import Profiles
import Reports
import Scenarios
import Tuning

/// `s2tune export`: tuning tables of many workloads and hosts.
struct ExportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "export",
    abstract:
      "Writes a tuning table: JSON, CSV, Markdown, a C header, tuned or QEMU settings, a semantic patch.",
    discussion: """
      Stored verified answers are read; what is missing, or of another simulator or model, is \
      answered anew and, with --keep, kept. Examples:
        s2tune export --host graviton3 --workloads all --format csv -o graviton3.csv
        s2tune export --host all --workloads all --keep models/answers \\
          --format json -o all.json
      """
  )

  /// How the table is written.
  enum Format: String, ExpressibleByArgument, CaseIterable {
    case text, json, csv, markdown, decisions, cHeader = "c-header", tuned, qemu, cocci
  }

  @Option(help: "How the table is written.")
  var format = Format.text
  @OptionGroup var models: ModelOptions
  @Option(
    help: "Host profiles, separated by commas, or all.",
    completion: .custom { _, _, _ in names(of: .host) + ["all"] }
  )
  var host: String
  @Option(
    help: "Kernel profiles, separated by commas, or all.",
    completion: .custom { _, _, _ in names(of: .kernel) + ["all"] }
  )
  var kernel = "6.1"
  @Option(
    help: "Workload profiles, separated by commas, or all.",
    completion: .custom { _, _, _ in names(of: .workload) + ["all"] }
  )
  var workloads: String
  @Option(
    help: ArgumentHelp("A directory where new answers are kept.", valueName: "dir"),
    completion: .directory
  )
  var keep: String?
  @Flag(help: "Answers everything anew and reads no stored answer.")
  var fresh = false
  @OptionGroup var wishes: WishOptions
  @OptionGroup var engine: EngineOptions
  @OptionGroup var output: OutputOptions

  func run() throws {
    try output.check()
    let store = try models.store()
    let questions = try questions(store)
    guard ![.tuned, .cocci].contains(format) || questions.count == 1 else {
      throw Failure.usage(
        "--format \(format.rawValue) is of one entry; this asks for \(questions.count) entries"
      )
    }
    let progress = ProgressLine()
    let tools = try engine.tools(store)
    let exporter = Exporter(
      store: answers(store),
      engine: tools.engine
    ) { _ in tools }
    let table = try exporter.table(questions) { done in
      progress.show(done, of: questions.count, "answers")
    }
    progress.clear()
    try output.write(text(table))
  }

  private func answers(_ store: ProfileStore) -> AnswerStore? {
    let kept = keep.map { URL(fileURLWithPath: $0) }
    return AnswerStore(
      directories: fresh ? [] : store.answers.directories,
      kept: kept,
      fresh: fresh
    )
  }

  private func questions(_ store: ProfileStore) throws -> [Question] {
    try store.names(host, of: .host).flatMap { host in
      try store.names(kernel, of: .kernel).flatMap { kernel in
        try store.names(workloads, of: .workload).map { workload in
          let loaded = try LoadedSetup(workload: workload, host: host, kernel: kernel, from: store)
          return try wishes.question(loaded)
        }
      }
    }
  }

  private func text(_ table: TuningTable) throws -> String {
    switch format {
    case .text: table.text()
    case .json: String(decoding: try AnswerStore.json(table), as: UTF8.self)
    case .csv: table.csv
    case .markdown: table.markdown
    case .decisions: table.decisions
    case .cHeader: table.header
    case .tuned: table.entries.map(\.tunedProfile).joined()
    case .qemu: table.qemuLines
    case .cocci: try table.entries.map { try $0.semanticPatch(of: $0.kernelChange) }.joined()
    }
  }
}
