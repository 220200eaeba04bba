// SPDX-License-Identifier: GPL-3.0-or-later

import ArgumentParser
import Campaigns
import Observations
import Quantities
import Reports
import Tuning

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
