// SPDX-License-Identifier: GPL-3.0-or-later

import ArgumentParser
import Campaigns
import Profiles
import Quantities
import Reports
import Scenarios

/// `s2tune campaign export`.
struct CampaignExport: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "export",
    abstract: "Writes the runs of a campaign for other programs.",
    discussion: """
      csv has a row a run: what was run, its features and its responses, units in the headers. jsonl has \
      the whole report of each run, a checksum before it; 's2tune campaign import' reads it. The same \
      runs give the same bytes, whoever made them and in whatever order. Example:
        s2tune campaign export churn --to csv -o churn.csv
        duckdb -c "SELECT kernel, avg(teardown_time_ns) FROM 'churn.csv'
          GROUP BY kernel"
      """
  )
  /// How runs are written.
  enum Form: String, ExpressibleByArgument, CaseIterable {
    case csv, jsonl
  }

  @Argument(help: "The campaign.")
  var name: String
  @Option(help: "How runs are written.")
  var to = Form.csv
  @OptionGroup var models: ModelOptions
  @OptionGroup var store: CampaignStoreOptions
  @OptionGroup var output: OutputOptions

  func run() throws {
    try output.check()
    let database = try store.database(.read)
    let design = try database.design(named: name)
    switch to {
    case .csv:
      var table = RunTable()
      try database.forEachRun(of: design) { table.append($0) }
      try output.write(table.csv())
    case .jsonl:
      guard let plan = design.plan else {
        throw Failure.usage(
          "\(name) holds points that no plan gives; --to csv writes their numbers"
        )
      }
      let planned = try PlannedProfiles(of: plan, from: models.store())
      try database.require(design, plan: plan, digest: plan.digest(over: planned))
      var text = ""
      try database.writeLines(of: design, points: plan.points(over: planned)) { text += $0 }
      try output.write(text)
    }
  }
}

/// `s2tune campaign import`.
struct CampaignImport: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "import",
    abstract:
      "Takes the runs of files that 'campaign export --to jsonl' or an earlier s2tune wrote into a store.",
    discussion: """
      A file of before says which design its runs are of only by a digest: --name, --runs, --seed, --hosts, \
      --kernels and --workloads are then those that it was begun with.
      """
  )
  @Argument(help: "Files of lines.", completion: .file())
  var files: [String]
  @OptionGroup var plan: PlanOptions
  @OptionGroup var making: MakingOptions

  func run() throws {
    guard !files.isEmpty else { throw Failure.usage("name the files to import") }
    let profiles = try making.common.store()
    var own = try plan.plan(profiles)
    var read: [(String, RunLines)] = []
    for file in files { read.append((file, try RunLines(file))) }
    let database = try making.store.database(.create)
    for (file, lines) in read {
      if let known = lines.identity.plan { own = known }
      // Refused before anything is entered, where the runs are not the plan's.
      let points = try own.points(over: PlannedProfiles(of: own, from: profiles))
      try CampaignIdentity(
        name: lines.identity.name,
        seed: own.seed,
        points: points,
        simulator: Scenario.simulatorVersion
      ).require(lines.identity, file: file)
      own.name = lines.identity.name
      try PlanOptions.check(name: own.name)
      let campaign = try OpenCampaign(own, profiles, in: database)
      let new = try database.take(lines, from: file, into: campaign.design, points: campaign.points)
      note(
        "\(file): \(lines.runs.count) runs of \(own.name), \(new) of them new to \(database.name)"
      )
    }
    try making.report(database, own.name)
  }
}

/// `s2tune campaign merge`.
struct CampaignMerge: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "merge",
    abstract: "Takes the campaigns and runs of other stores into this one; those are only read."
  )
  @Argument(help: "Other stores.", completion: .file())
  var files: [String]
  @OptionGroup var common: CommonOptions
  @OptionGroup var store: CampaignStoreOptions

  func run() throws {
    guard !files.isEmpty else { throw Failure.usage("name the stores to merge") }
    var others: [RunDatabase] = []
    for file in files { others.append(try RunDatabase(file, access: .read)) }
    let database = try store.database(.create)
    for other in others { note("\(other.name): \(try database.merge(other)) new runs") }
    let status = try database.status()
    switch common.format {
    case .text: try answer(status.text())
    case .json: try answer(json: status, .campaign)
    }
  }
}

/// `s2tune campaign gc`.
struct CampaignClean: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "gc",
    abstract:
      "Drops campaigns and runs of other simulators, and campaigns that are named, and gives the space back."
  )
  @Option(
    help: ArgumentHelp(
      "A campaign to drop with the runs that no other has; may be repeated.",
      valueName: "name"
    )
  )
  var drop: [String] = []
  @OptionGroup var common: CommonOptions
  @OptionGroup var store: CampaignStoreOptions

  func run() throws {
    let cleaning = try store.database().clean(dropping: drop)
    switch common.format {
    case .text:
      try answer(
        "\(store.path): \(cleaning.campaigns) campaigns and \(cleaning.runs) runs dropped, "
          + "\(ByteCount(rawValue: cleaning.before)) before, \(ByteCount(rawValue: cleaning.after)) now"
      )
    case .json: try answer(json: cleaning, .campaignClean)
    }
  }
}
