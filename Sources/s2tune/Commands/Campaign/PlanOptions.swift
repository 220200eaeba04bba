// SPDX-License-Identifier: GPL-3.0-or-later

import ArgumentParser
import Campaigns
import Profiles
import Quantities
import Scenarios

/// What a campaign is: a draw over the policy space, or a grid of policies.
struct PlanOptions: ParsableArguments {
  @Option(help: "The campaign's name in the store: letters, digits, '.', '_' and '-'.")
  var name = "standard"
  @OptionGroup var design: DesignOptions
  @Option(help: "Points of a draw, 1 to 1000000.")
  var runs = 4_000
  @Option(
    help: ArgumentHelp(
      "A policy over each setting's own, such as chunk=2MiB, or baseline for that one; may be repeated. "
        + "With it the campaign is every policy on every host, kernel and workload.",
      valueName: "policy"
    )
  )
  var policy: [String] = []
  @Option(help: "Runs of each point with seeds of their own, 1 to 1000.")
  var replicates = 1
  @Option(help: "The seed of the design and of every run.")
  var seed: UInt64 = 1
  @Flag(help: "Simulates whole operations as 'simulate' does, not windows of them.")
  var whole = false

  /// The plan of these options.
  func plan(_ store: ProfileStore) throws -> CampaignPlan {
    try Self.check(name: name)
    guard (1...1_000_000).contains(runs) else {
      throw Failure.usage("--runs \(runs) is not legal; write a number from 1 to 1000000")
    }
    guard (1...1_000).contains(replicates) else {
      throw Failure.usage("--replicates \(replicates) is not legal; write a number from 1 to 1000")
    }
    return CampaignPlan(
      name: name,
      hosts: store.names(design.hosts, of: .host),
      kernels: store.names(design.kernels, of: .kernel),
      workloads: store.names(design.workloads, of: .workload),
      policies: policy,
      runs: runs,
      replicates: replicates,
      seed: seed,
      extent: whole ? .whole : .window
    )
  }

  /// Refuses a name that a directory could not have.
  static func check(name: String) throws {
    guard ProfileStore.isLegal(name) else {
      throw Failure.usage(
        "--name '\(name)' is not legal; write letters, digits, '.', '_' and '-', no '.' first"
      )
    }
  }
}

/// How runs are made on this machine.
struct WorkOptions: ParsableArguments {
  @Option(
    name: .customLong("max-time"),
    help: ArgumentHelp(
      "Takes no more runs after so long, such as 90s or 3600s.",
      valueName: "time"
    )
  )
  var maxTime: String?
  @OptionGroup var limit: LimitOptions

  /// The limit of time; refuses an illegal one.
  func time() throws -> Duration? {
    guard let maxTime else { return nil }
    let time = try Nanoseconds(parsing: maxTime)
    guard time > .zero else {
      throw Failure.usage("--max-time \(maxTime) is not legal; write a time above 0s, such as 600s")
    }
    return .nanoseconds(time.rawValue)
  }

  /// The limit of a run's events.
  func events(_ extent: CampaignExtent) throws -> Int64 {
    try limit.events(isSampled: extent == .window)
  }

  /// The words of these options for another process.
  var words: [String] {
    (maxTime.map { ["--max-time", $0] } ?? [])
      + (limit.maxEvents.map { ["--max-events", "\($0)"] } ?? [])
  }
}

/// A design with its points.
struct OpenCampaign {
  let database: RunDatabase
  let design: StoredDesign
  let points: [DesignPoint]

  /// The extent of its runs.
  var extent: CampaignExtent { design.plan?.extent ?? .window }

  /// Enters a plan in a store, or finds it there.
  init(_ plan: CampaignPlan, _ profiles: ProfileStore, in database: RunDatabase) throws {
    let planned = try PlannedProfiles(of: plan, from: profiles)
    var plan = plan
    // Replicates that were added before stay.
    let known = try database.designs().first { $0.name == plan.name }?.plan?.replicates ?? 1
    plan.replicates = max(plan.replicates, known)
    points = try plan.points(over: planned)
    design = try database.enter(plan, over: planned, points: points)
    self.database = database
  }

  /// Finds a campaign by its name, over the profiles that it was begun with.
  init(named name: String, _ profiles: ProfileStore, in database: RunDatabase) throws {
    let design = try database.design(named: name)
    guard let plan = design.plan else {
      throw Failure.usage(
        "\(name) holds points of 's2tune evaluate' or 'fit --active', which no plan makes again; run that command again"
      )
    }
    try self.init(plan, profiles, in: database)
  }
}
