// SPDX-License-Identifier: GPL-3.0-or-later

import ArgumentParser
import Campaigns
import Foundation
import Reports

/// What the commands that make runs share.
struct MakingOptions: ParsableArguments {
  @OptionGroup var common: CommonOptions
  @OptionGroup var store: CampaignStoreOptions
  @OptionGroup var work: WorkOptions

  /// Makes what is left of a campaign and says how far it is.
  func make(_ campaign: OpenCampaign, workers: Int) throws {
    _ = try work.time()
    _ = try work.events(campaign.extent)
    var words =
      [campaign.design.name, "--store", store.path, "--workers", "\(workers)"] + work.words
    if let models = common.models.models { words += ["--models", models] }
    try CampaignSupervisor(campaign: campaign, words: words).run()
    try report(campaign.database, campaign.design.name)
  }

  /// Writes how far a campaign is, with the digest of its runs; ends with 1 where runs failed.
  func report(_ database: RunDatabase, _ name: String) throws {
    let status = try database.status(of: name, digests: true)
    switch common.format {
    case .text: try answer(status.text())
    case .json: try answer(json: status, .campaign)
    }
    if status.campaigns.contains(where: { $0.refused + $0.crashed > 0 }) { throw Negative() }
  }
}

/// What the commands that go on with a campaign share.
struct NamedOptions: ParsableArguments {
  @Argument(help: "The campaign.")
  var name: String
  @Option(help: "Threads that simulate, all processors unless given; the answer is the same.")
  var workers: Int?
  @OptionGroup var making: MakingOptions

  /// The campaign, over the profiles that it was begun with.
  func open() throws -> OpenCampaign {
    try OpenCampaign(named: name, making.common.store(), in: making.store.database())
  }
}

/// `s2tune campaign run`.
struct CampaignRun: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run",
    abstract: "Makes the runs of a campaign that are not in the store.",
    discussion: """
      Ends with 1 where runs were refused or crashed; what is known of them is printed. Example:
        s2tune campaign run --name releases --hosts graviton3 --whole \\
          --policy baseline --replicates 3
      """
  )
  @OptionGroup var plan: PlanOptions
  @OptionGroup var making: MakingOptions

  func run() throws {
    let profiles = try making.common.store()
    let plan = try plan.plan(profiles)
    let workers = try self.plan.design.threads()
    let campaign = try OpenCampaign(plan, profiles, in: making.store.database(.create))
    try making.make(campaign, workers: workers)
  }
}

/// `s2tune campaign resume`.
struct CampaignResume: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "resume",
    abstract: "Goes on with a campaign that was stopped."
  )
  @OptionGroup var named: NamedOptions
  @Flag(help: "Makes runs again that were refused or crashed.")
  var retry = false

  func run() throws {
    let campaign = try named.open()
    if retry {
      let count = try campaign.database.retry(campaign.design)
      note("\(count) failed runs are made again")
    }
    try named.making.make(campaign, workers: try legalWorkers(named.workers))
  }
}

/// `s2tune campaign add-replicates`.
struct CampaignReplicates: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "add-replicates",
    abstract: "Runs every point of a campaign further times, with seeds of their own."
  )
  @OptionGroup var named: NamedOptions
  @Option(help: "Further runs of each point, 1 to 1000.")
  var count = 1

  func run() throws {
    guard (1...1_000).contains(count) else {
      throw Failure.usage("--count \(count) is not legal; write a number from 1 to 1000")
    }
    let known = try named.open()
    guard var plan = known.design.plan else { return }
    plan.replicates += count
    let longer = try OpenCampaign(plan, named.making.common.store(), in: known.database)
    try named.making.make(longer, workers: try legalWorkers(named.workers))
  }
}

/// `s2tune campaign work`: what `run` lets another process do.
struct CampaignWorkCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "work",
    abstract: "Makes runs of a campaign until none is left or standard input ends.",
    shouldDisplay: false
  )
  @OptionGroup var named: NamedOptions

  func run() throws {
    let campaign = try named.open()
    Thread.detachNewThread {
      // Whoever started this process has gone when it reads the end.
      while let data = try? FileHandle.standardInput.read(upToCount: 1), !data.isEmpty {}
      _exit(Status.output.rawValue)
    }
    try campaign.database.run(
      campaign.design,
      points: campaign.points,
      extent: campaign.extent,
      by: LocalExecutor(
        workers: try legalWorkers(named.workers),
        extent: campaign.extent,
        eventLimit: try named.making.work.events(campaign.extent)
      ),
      limit: try named.making.work.time()
    )
  }
}
