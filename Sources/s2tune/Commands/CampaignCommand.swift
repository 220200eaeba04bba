// SPDX-License-Identifier: GPL-3.0-or-later

import ArgumentParser
import Files
import Foundation
import Profiles
import Reports
import Tuning

/// `s2tune campaign`: runs of a design, kept in a file that survives the process.
struct CampaignCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "campaign",
    abstract: "Makes the runs of a design and keeps them in a file.",
    discussion: """
      A run is in the file, flushed, before it counts as done: a campaign that was killed goes on \
      where it stopped when it is run again. Example:
        s2tune campaign run --name churn --workloads container-churn \\
          --runs 400 churn.jsonl
        s2tune fit --name churn --workloads container-churn \\
          --runs 400 --runs-file churn.jsonl
      """,
    subcommands: [
      CampaignRun.self, CampaignStatus.self, CampaignResume.self, CampaignMerge.self,
      CampaignExport.self,
    ]
  )
}

/// What a campaign is: the same words that `fit` takes.
struct CampaignOptions: ParsableArguments {
  @OptionGroup var common: CommonOptions
  @OptionGroup var design: DesignOptions
  @Option(help: "The campaign's name.")
  var name = "standard"
  @Option(help: "Runs of the design, 1 to 1000000.")
  var runs = 4_000
  @Option(help: "The seed of the design and of every run.")
  var seed: UInt64 = 1

  /// What makes the runs; refuses an illegal number.
  func builder() throws -> ModelBuilder {
    guard (1...1_000_000).contains(runs) else {
      throw Failure.usage("--runs \(runs) is not legal; write a number from 1 to 1000000")
    }
    let store = try common.store()
    let specification = design.specification(named: name, in: store, runs: runs, seed: seed)
    var builder = ModelBuilder(specification, profiles: store)
    builder.workers = try design.threads()
    return builder
  }

  /// Makes the missing runs and says what is in the file.
  func makeRuns(_ file: String) throws {
    let builder = try builder()
    let progress = ProgressLine()
    defer { progress.clear() }
    try waiting { [builder] in
      _ = try await builder.makeRuns(into: URL(filePath: file)) {
        progress.show($0, of: $1, "runs")
      }
    }
    progress.clear()
    try report(try builder.status(of: URL(filePath: file)), file)
  }

  /// Writes a status.
  func report(_ status: CampaignState, _ file: String) throws {
    switch common.format {
    case .text:
      try answer(
        "\(file): \(status.done) of \(status.runs) runs of campaign \(status.name), seed "
          + "\(status.seed), simulator \(status.simulator), digest \(status.digest)"
      )
    case .json: try answer(json: status, .campaign)
    }
  }
}

/// `s2tune campaign run`.
struct CampaignRun: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run",
    abstract: "Begins a campaign in a new file."
  )
  @OptionGroup var options: CampaignOptions
  @Argument(help: "The file of the runs; it must not exist.", completion: .file())
  var file: String

  func run() throws {
    if FileManager.default.fileExists(atPath: file) {
      throw Failure.usage("\(file) exists; 's2tune campaign resume' goes on with it")
    }
    try options.makeRuns(file)
  }
}

/// `s2tune campaign resume`.
struct CampaignResume: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "resume",
    abstract: "Goes on with a campaign that was stopped; the words are those it was begun with."
  )
  @OptionGroup var options: CampaignOptions
  @Argument(help: "The file of the runs.", completion: .file())
  var file: String

  func run() throws {
    try requireFile(file)
    try options.makeRuns(file)
  }
}

/// `s2tune campaign status`.
struct CampaignStatus: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "status",
    abstract: "Says how many runs of a campaign are done."
  )
  @OptionGroup var options: CampaignOptions
  @Argument(help: "The file of the runs.", completion: .file())
  var file: String

  func run() throws {
    try requireFile(file)
    try options.report(try options.builder().status(of: URL(filePath: file)), file)
  }
}

/// `s2tune campaign merge`.
struct CampaignMerge: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "merge",
    abstract: "Puts the runs of several files of one campaign into a new one."
  )
  @OptionGroup var options: CampaignOptions
  @Option(name: .shortAndLong, help: "The new file; it must not exist.", completion: .file())
  var output: String
  @Argument(help: "The files of the runs, all of one campaign.", completion: .file())
  var files: [String]

  func run() throws {
    if FileManager.default.fileExists(atPath: output) { throw FileError.exists(path: output) }
    for file in files { try requireFile(file) }
    let builder = try options.builder()
    let state = try builder.merge(files.map { URL(filePath: $0) }, into: URL(filePath: output))
    try options.report(state, output)
  }
}

/// `s2tune campaign export`.
struct CampaignExport: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "export",
    abstract: "Writes the features and responses of a campaign's runs as CSV, for other programs."
  )
  @OptionGroup var options: CampaignOptions
  @OptionGroup var output: OutputOptions
  @Argument(help: "The file of the runs.", completion: .file())
  var file: String

  func run() throws {
    try output.check()
    guard options.common.format == .text else {
      throw Failure.usage("campaign export writes CSV; leave --format out")
    }
    try requireFile(file)
    let runs = try options.builder().observations(in: URL(filePath: file))
    try output.write(RunTable(runs).csv())
  }
}

/// Refuses a file that is not there.
private func requireFile(_ file: String) throws {
  guard FileManager.default.fileExists(atPath: file) else {
    throw Failure.usage("\(file) does not exist; 's2tune campaign run' begins a campaign")
  }
}
