// SPDX-License-Identifier: GPL-3.0-or-later

import Calibration
import CostModels
import Files
import FlyingFox
import Foundation
import Operations
import PageTables
import Policies
import Profiles
import Quantities
import Tuning

/// The paths that are served, and nothing else: no part of a request leads to a file.
struct Service: Answering {
  let desk: Desk
  let gate: Gate
  let limits: ServerLimits

  /// What a path serves.
  enum Route: Sendable {
    /// A file of the page.
    case asset(Asset)
    /// A document that is the same for everybody.
    case document(@Sendable (Desk) async throws -> Data)
    /// An answer to a question; `legal` are the keys of its body.
    case question(legal: [String], Answer)
  }

  /// Answers a question and tells how far it is.
  typealias Answer = @Sendable (Desk, JSONFields, Teller) async throws -> Data

  /// Every path.
  static let routes: [String: Route] = [
    "/": .asset(.page),
    "/explorer.js": .asset(.script),
    "/explorer.css": .asset(.style),
    "/icon.svg": .asset(.icon),
    "/healthz": .document { _ in Data(#"{"status":"ok"}"#.utf8) },
    "/api/v1/openapi.json": .document { _ in OpenAPI.document },
    "/api/v1/profiles": .document { desk in
      try await desk.quick.run { try bytes(try ProfilesDocument(desk.store)) }
    },
    "/api/v1/question": .question(legal: QuestionDocument.keys) { desk, fields, _ in
      try await desk.quick.run { try bytes(try QuestionDocument(fields, desk)) }
    },
    "/api/v1/read": .question(legal: ["name", "text"]) { desk, fields, _ in
      try await desk.quick.run { try bytes(try ReadDocument(fields, desk)) }
    },
    "/api/v1/predict": .question(legal: PredictRequest.keys) { desk, fields, tell in
      try bytes(try await desk.predict(fields, tell))
    },
    "/api/v1/simulate": .question(legal: SimulateRequest.keys) { desk, fields, tell in
      try bytes(try await desk.simulate(fields, tell))
    },
    "/api/v1/recommend": .question(legal: RecommendRequest.keys) { desk, fields, tell in
      try bytes(try await desk.recommend(fields, tell))
    },
    "/api/v1/pareto": .question(legal: RecommendRequest.frontKeys) { desk, fields, tell in
      try bytes(try await desk.front(fields, tell), isOpen: true)
    },
  ]

  /// A document as the commands write it; an open one may hold figures without end.
  private static func bytes(
    _ document: some Encodable,
    isOpen: Bool = false
  ) throws -> Data {
    try JSON.data(Versioned(content: document), writesInfinities: isOpen)
  }

  func admit(_ head: RequestHead) throws(Refused) {
    try gate.check(head)
    guard let route = Self.routes[head.path] else {
      throw Refused(
        .notFound,
        "nothing is at '\(head.path.prefix(80))'; /api/v1/openapi.json lists what is served"
      )
    }
    let legal: [String] = if case .question = route { ["POST"] } else { ["GET", "HEAD"] }
    guard legal.contains(head.method) else {
      let allowed = legal.joined(separator: ", ")
      var refused = Refused(
        .wrongMethod,
        "\(head.path) does not take \(head.method.prefix(20)); send \(allowed)"
      )
      refused.allowed = allowed
      throw refused
    }
    if case .asset = route { return }
    if head.path != "/healthz" { try gate.checkToken(head) }
    guard case .question = route else { return }
    let media = try head.value("content-type") ?? ""
    let name = media.prefix { $0 != ";" }.lowercased()
    guard name.filter({ $0 != " " }) == "application/json" else {
      throw Refused(
        .wrongMedia,
        "the Content-Type '\(media.prefix(60))' is not taken; send application/json"
      )
    }
    guard try head.length(limits: limits) > 0 else {
      throw Refused(.badRequest, "the body is empty; send a JSON object")
    }
  }

  func answer(_ request: HTTPRequest) async -> Reply {
    let path = request.target.path()
    switch Self.routes[path] {
    case .asset(let asset): return .whole(asset.response)
    case .document(let document):
      return .whole(await Self.response { try await document(desk) })
    case .question(let legal, let answer):
      let accepted = request.headers[HTTPHeader("accept")] ?? ""
      let body = (try? await request.bodyData) ?? Data()
      guard accepted.contains("application/x-ndjson") else {
        return .whole(
          await Self.response {
            try await answer(desk, try JSONFields(body, legal: legal), .silent)
          }
        )
      }
      return lines(body, legal, answer)
    case nil: return .whole(Refused(.notFound, "nothing is at '\(path.prefix(80))'").response)
    }
  }

  /// A whole answer, or the refusal.
  private static func response(_ make: () async throws -> Data) async -> HTTPResponse {
    do {
      let data = try await make()
      return HTTPResponse(
        statusCode: .ok,
        headers: [.contentType: "application/json"],
        body: data
      )
    } catch {
      return refused(error).response
    }
  }

  /// An answer as lines: how far it is, and at the end the document or the refusal.
  private func lines(_ body: Data, _ legal: [String], _ answer: @escaping Answer) -> Reply {
    let (stream, continuation) = AsyncStream.makeStream(
      of: Data.self,
      bufferingPolicy: .bufferingNewest(256)
    )
    let work = Task { [desk] in
      let tell = Teller { continuation.yield($0) }
      do {
        let data = try await answer(desk, try JSONFields(body, legal: legal), tell)
        continuation.yield(Data(#"{"result":"#.utf8) + Self.oneLine(data) + Data("}\n".utf8))
      } catch {
        tell.line(Self.refused(error).document)
      }
      continuation.finish()
    }
    continuation.onTermination = { _ in work.cancel() }
    let response = HTTPResponse(
      statusCode: .ok,
      headers: [.contentType: "application/x-ndjson"],
      body: Data()
    )
    return .lines(response, stream)
  }

  /// JSON on one line: line feeds stand only between its values.
  private static func oneLine(_ data: Data) -> Data { Data(data.filter { $0 != 10 }) }

  /// What an error says to a client.
  static func refused(_ error: any Error) -> Refused {
    switch error {
    case let error as Refused: error
    case is CancellationError:
      Refused(.unavailable, "the work was cancelled; ask again")
    case let error as ProfileError where error.isOfProfiles:
      Refused(.failed, error.description)
    case is ProfileError, is PolicyError, is QuantityError, is TuningError, is LogError,
      is EvidenceError, is OperationError, is PageTableError, is FileError, is CostModelError:
      Refused(.badRequest, displayed("\(error)", keepsLines: false))
    default:
      Refused(.failed, "the answer failed: \(displayed("\(error)", keepsLines: false))")
    }
  }
}

extension ProfileError {
  /// Whether a file of the profiles is at fault, and not the question.
  fileprivate var isOfProfiles: Bool {
    switch self {
    case .unreadable, .tooLarge, .malformed, .parentLoop: true
    default: false
    }
  }
}
