// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Machine
import Observations
import Operations
import Policies
import Profiles
import Quantities
import Randomness
import Reports
import Scenarios

/// The report of a run as `simulate` writes it.
struct SimulateDocument: Encodable, Sendable {
  let report: RunReport
  let context: AnswerContext
  /// What the run comes to in the terms of predictions, where that was asked for.
  var responses: [Value]?

  /// One response of a run.
  struct Value: Encodable, Sendable {
    let response: Response
    let value: Double
  }

  private enum CodingKeys: String, CodingKey { case context, responses }

  func encode(to encoder: any Encoder) throws {
    try report.encode(to: encoder)
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(context, forKey: .context)
    try container.encodeIfPresent(responses, forKey: .responses)
  }
}

/// A question of `simulate`: one run.
struct SimulateRequest: Sendable {
  private let asked: Asked
  private let scenario: Scenario
  private let hasResponses: Bool

  /// The keys of the body.
  static let keys = Asked.keys + ["policy", "seed", "window", "fast", "without", "responses"]

  /// Reads a body.
  init(_ fields: JSONFields, _ desk: Desk) throws {
    let asked = try Asked(fields, desk)
    let policy = try asked.loaded.policy(try fields.text("policy") ?? "")
    let setup = asked.loaded.setup
    try setup.workload.refuseIdle(policy, turnedFrom: setup.setting.baseline)
    let seed = try fields.whole("seed", 0...UInt64.max) ?? 1
    var scenario = Scenario(setup, policy: policy, seed: Seed(seed))
    let without = try fields.texts("without", most: Mechanism.allCases.count)
    scenario.switches = MachineSwitches(
      without: try without.map { try Asked.word($0, "without", Mechanism.allCases) }
    )
    let (window, fast) = (try fields.flag("window"), try fields.flag("fast"))
    guard !(window && fast) else {
      throw Refused(.badRequest, "'fast' and 'window' exclude each other; write one of them")
    }
    scenario.eventLimit = window || fast ? Scenario.sampledEventLimit : Scenario.wholeEventLimit
    if window { scenario.extent = .window(Window()) }
    if fast { scenario.extent = .fast(FastRun()) }
    (self.asked, self.scenario) = (asked, scenario)
    hasResponses = try fields.flag("responses")
  }

  /// Runs it under a watch.
  func run(_ watch: RunWatch, _ desk: Desk) throws -> SimulateDocument {
    var scenario = scenario
    scenario.watch = watch
    let report = try scenario.run()
    var document = SimulateDocument(report: report, context: desk.context(asked.loaded))
    if hasResponses {
      document.responses = Response.allCases.compactMap { response in
        report.value(of: response).map { .init(response: response, value: $0) }
      }
    }
    return document
  }
}

extension Desk {
  /// One run of the machine, as `simulate` makes it; the client is told how far it is.
  func simulate(_ fields: JSONFields, _ tell: Teller) async throws -> SimulateDocument {
    let request = try await quick.run { [self] in try SimulateRequest(fields, self) }
    let watch = RunWatch()
    return try await withThrowingTaskGroup(of: SimulateDocument?.self) { group in
      group.addTask { [self] in try await long(watch) { try request.run(watch, self) } }
      group.addTask {
        while true {
          try await Task.sleep(for: .milliseconds(100))
          if watch.events > 0 { tell.progress(watch.permille, of: 1_000, "of the run") }
        }
      }
      defer { group.cancelAll() }
      guard let document = try await group.next() ?? nil else { throw CancellationError() }
      return document
    }
  }
}
