// SPDX-License-Identifier: GPL-3.0-or-later

import ArgumentParser
import Dispatch
import Explorer
import Foundation
import Profiles
import Tuning

/// `s2tune explore`: the local page and its API.
struct ExploreCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "explore",
    abstract: "Serves a local page on which policies are tried, and the same as a JSON API.",
    discussion: """
      Only this machine can ask, unless --listen names an address; --token is then a file whose \
      text a request has to know. Control-C ends it. docs/explorer.md has the API. Examples:
        s2tune explore
        s2tune explore --listen 0.0.0.0 --token token.txt
      """
  )

  @OptionGroup var models: ModelOptions
  @Option(help: "The port; 0 takes any free one.")
  var port: UInt16 = 8642
  @Option(
    help: ArgumentHelp(
      "A numeric address of this machine to listen on, for others to reach; needs --token.",
      valueName: "address"
    )
  )
  var listen: String?
  @Option(
    help: ArgumentHelp(
      "A file with the text that a request has to know, at least 16 characters; goes with --listen.",
      valueName: "file"
    ),
    completion: .file()
  )
  var token: String?
  @OptionGroup var answering: AnswerOptions

  func run() throws {
    let place = try place()
    let store = try models.store()
    let desk = Desk(
      store: store,
      model: try answering.model(store),
      workers: try answering.threads()
    )
    let explorer = try Explorer(desk, at: place)
    try answer(explorer.pages.joined(separator: "\n"))
    if place.token != nil { note("requests for data need the token of --token") }
    try serve(explorer)
  }

  /// Where to listen; refuses an address without a token, and a token without an address.
  private func place() throws -> Explorer.Place {
    guard let listen else {
      guard token == nil else {
        throw Failure.usage("--token goes with --listen; without it only this machine can ask")
      }
      return Explorer.Place(port: port)
    }
    guard let token else {
      throw Failure.usage(
        "--listen \(listen) lets others ask, and there is no --token; name a file with one"
      )
    }
    let text = try UserFile.read(token, limit: 4_096)
    return try Explorer.Place(
      port: port,
      address: listen,
      token: text.trimmingCharacters(in: .whitespacesAndNewlines)
    )
  }

  /// Serves until the process is told to end, or the server fails.
  private func serve(_ explorer: Explorer) throws {
    let (end, outcome) = (DispatchSemaphore(value: 0), Outcome())
    let work = Task {
      do { try await explorer.run() } catch { outcome.failure = error }
      end.signal()
    }
    let sources = [SIGTERM, SIGINT].map { number in
      signal(number, SIG_IGN)
      let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
      source.setEventHandler { work.cancel() }
      source.resume()
      return source
    }
    end.wait()
    for source in sources { source.cancel() }
    if let failure = outcome.failure { throw failure }
  }
}

extension ExploreCommand {
  /// What became of the server; written before the end is signalled and read after it.
  private final class Outcome: @unchecked Sendable {
    var failure: (any Error)?
  }
}

extension ExplorerError: Refusal {
  var status: Status {
    switch self {
    case .notListening: .output
    case .illegalToken: .data
    }
  }
}
