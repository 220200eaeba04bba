// SPDX-License-Identifier: GPL-3.0-or-later

import ArgumentParser
import Campaigns
import CostModels
import Foundation
import Observations
import Operations
import Profiles
import Quantities
import Reports
import Scenarios
import Tuning

/// `s2tune campaign status`.
struct CampaignStatusCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "status",
    abstract: "Says how far campaigns are, who is at work on them, and what failed."
  )
  @Argument(help: "The campaign; all of the store where none is named.")
  var name: String?
  @OptionGroup var common: CommonOptions
  @OptionGroup var store: CampaignStoreOptions
  @Flag(
    help:
      "Reads every run and prints the digest of all of them, the same for any order and number of workers."
  )
  var digest = false
  @Flag(help: "Says it again every second until nothing waits or nobody is at work.")
  var watch = false

  func run() throws {
    let database = try store.database(.read)
    while true {
      let status = try database.status(of: name, digests: digest)
      switch common.format {
      case .text: try answer(status.text())
      case .json: try answer(json: status, .campaign)
      }
      guard watch, !status.workers.isEmpty else { return }
      Thread.sleep(forTimeInterval: 1)
    }
  }
}

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

/// `s2tune campaign show`.
struct CampaignShow: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show",
    abstract:
      "Repeats one run of a campaign, checks that it comes out as it is stored, and prints it.",
    discussion: """
      Example, with a trace for Perfetto:
        s2tune campaign show churn 17 --trace run17.json
      """
  )
  @Argument(help: "The campaign.")
  var name: String
  @Argument(help: "The run's place in the design, from 0.")
  var index: Int
  @Option(
    help: ArgumentHelp(
      "Writes a trace that Perfetto and chrome://tracing open.",
      valueName: "file"
    ),
    completion: .file()
  )
  var trace: String?
  @OptionGroup var common: CommonOptions
  @OptionGroup var store: CampaignStoreOptions
  @OptionGroup var limit: LimitOptions
  @OptionGroup var output: OutputOptions

  func run() throws {
    try output.check()
    if let trace { try UserFile.check(trace, force: output.force) }
    let profiles = try common.store()
    let campaign = try OpenCampaign(named: name, profiles, in: store.database())
    guard campaign.points.indices.contains(index) else {
      throw Failure.usage("\(name) has runs 0 to \(campaign.points.count - 1), not \(index)")
    }
    let point = campaign.points[index]
    var scenario = point.scenario(campaign.extent)
    scenario.eventLimit = try limit.events(isSampled: campaign.extent == .window)
    if trace != nil { scenario.traceLimit = SimulateCommand.traceLimit }
    let (report, spans) = try scenario.runTraced()
    if let trace {
      let process = "\(report.identity.workload) on \(report.identity.host)"
      let data = Scenario.traceEvents(spans, process: process)
      try UserFile.write(String(decoding: data, as: UTF8.self), to: trace, force: output.force)
    }
    switch common.format {
    case .text:
      let loaded = try LoadedSetup(
        workload: point.workload.name,
        host: point.host.name,
        kernel: point.kernel.name,
        from: profiles,
        setting: []
      )
      try output.write(report.text(AnswerContext(loaded, profiles)))
    case .json: try output.write(json(report, .simulate))
    }
    let stored = try campaign.database.report(of: RunKey(of: point, extent: campaign.extent))
    // A report is what its JSON says: that has the counts which captures have, not each that is priced.
    if let stored, try JSON.text(stored) != JSON.text(report) {
      throw Failure.data(
        "the stored run has trace digest \(stored.digest), this one \(report.digest): they are not of one program"
      )
    }
    note(
      stored == nil
        ? "the run is not in the store" : "the run is the one in the store, digest \(report.digest)"
    )
  }
}

/// `s2tune campaign compare`.
struct CampaignCompare: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "compare",
    abstract: "Compares campaigns, or kernels, hosts or policies of one, run by run.",
    discussion: """
      Runs that are alike in everything else, seeds included, are pairs; a change has the 95 % interval of \
      its pairs. Examples:
        s2tune campaign compare releases --by kernel --base 5.10
        s2tune campaign compare before after --other-store after.db
      """
  )
  /// How the comparison is written.
  enum Format: String, ExpressibleByArgument, CaseIterable {
    case text, json, markdown, html
    /// The picture of the one response of --only.
    case svg
  }

  @Argument(help: "The campaign, and another one to hold against it.")
  var names: [String]
  @Option(help: "What the sides of one campaign differ in: kernel, host or policy.")
  var by: CampaignComparison.ComparedBy?
  @Option(help: "The side that the others are held against; the first unless given.")
  var base: String?
  @Option(
    help: ArgumentHelp(
      "Responses that are shown, separated by commas; all unless given.",
      valueName: "responses"
    )
  )
  var only: String?
  @Option(
    name: .customLong("other-store"),
    help: ArgumentHelp("The store of the second campaign.", valueName: "file"),
    completion: .file()
  )
  var otherStore: String?
  @Option(help: "How the comparison is written.")
  var format = Format.text
  @OptionGroup var store: CampaignStoreOptions
  @OptionGroup var output: OutputOptions

  func run() throws {
    try output.check()
    let responses = try responses()
    let (comparison, title) = try comparison()
    let document = comparison.document(title: title, only: responses)
    switch format {
    case .text: try output.write(document.text())
    case .markdown: try output.write(document.markdown())
    case .html: try output.write(document.html())
    case .json: try output.write(json(comparison, .compare))
    case .svg:
      guard responses.count == 1, let svg = comparison.svg(of: responses[0]) else {
        throw Failure.usage(
          "--format svg draws one response over more than two sides, where it changes; name it by --only"
        )
      }
      try output.write(svg)
    }
  }

  private func responses() throws -> [Response] {
    try only.map { text in
      try text.split(separator: ",").map { word in
        guard let response = Response(rawValue: String(word)) else {
          let legal = Response.allCases.map(\.rawValue)
          throw Failure.usage(
            "--only \(word) is no response; write some of \(legal.joined(separator: ", "))"
              + didYouMean(String(word), among: legal)
          )
        }
        return response
      }
    } ?? []
  }

  private func comparison() throws -> (CampaignComparison, String) {
    let first = try store.database(.read)
    let isPair = names.count == 2 || otherStore != nil
    guard (1...2).contains(names.count), (by == nil) == isPair, by != .campaign else {
      throw Failure.usage("name one campaign and --by kernel, host or policy, or two campaigns")
    }
    guard isPair else {
      let runs = try Self.runs(names[0], first)
      return (
        try CampaignComparison(runs, by: by ?? .kernel, base: base),
        "\(names[0]) by \((by ?? .kernel).rawValue)"
      )
    }
    guard base == nil else {
      throw Failure.usage("--base goes with --by; the first of two campaigns is the base")
    }
    let second = try otherStore.map { try RunDatabase($0, access: .read) } ?? first
    let other = names[names.count - 1]
    let labels =
      names[0] == other
      ? ["\(names[0]) of \(first.name)", "\(other) of \(second.name)"] : [names[0], other]
    return (
      CampaignComparison(
        (labels[0], try Self.runs(names[0], first)),
        (labels[1], try Self.runs(other, second))
      ),
      "\(labels[0]) against \(labels[1])"
    )
  }

  private static func runs(_ name: String, _ store: RunDatabase) throws -> [StoredRun] {
    var runs: [StoredRun] = []
    try store.forEachRun(of: try store.design(named: name)) { runs.append($0) }
    guard !runs.isEmpty else { throw Failure.data("\(name) has no finished run in \(store.name)") }
    return runs
  }
}

extension CampaignComparison.ComparedBy: ExpressibleByArgument {}
