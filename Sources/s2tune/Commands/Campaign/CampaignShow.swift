// SPDX-License-Identifier: GPL-3.0-or-later

import ArgumentParser
import Campaigns
import Observations
import Operations
import Profiles
import Quantities
import Reports
import Scenarios

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
      try output.write(report.text(AnswerContext(loaded(point, profiles), profiles)))
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

  /// The profiles of a point with the values that its design moved.
  private func loaded(_ point: DesignPoint, _ profiles: ProfileStore) throws -> LoadedSetup {
    var loaded = try LoadedSetup(
      workload: point.workload.name,
      host: point.host.name,
      kernel: point.kernel.name,
      from: profiles
    )
    let own = loaded.workload.profile
    try loaded.set(
      WorkloadProfile.keys.compactMap { key in
        let text = key.text(in: point.workload)
        return text == key.text(in: own) ? nil : text.map { (key: key.name, value: $0) }
      }
    )
    return loaded
  }
}
