// SPDX-License-Identifier: GPL-3.0-or-later

import ArgumentParser
import Campaigns
import Foundation
import Reports

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
