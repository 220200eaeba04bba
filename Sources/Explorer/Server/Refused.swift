// SPDX-License-Identifier: GPL-3.0-or-later

import FlyingFox
import Foundation
import Quantities

/// A request that is not answered: a status, and one sentence that names the value and what is legal.
struct Refused: Error, Hashable, Sendable, CustomStringConvertible {
  /// The status of the response.
  let status: Status
  /// The sentence.
  let description: String
  /// Seconds after which it is worth asking again; nil where it never is.
  var retryAfter: Int?
  /// The methods that the path takes, where the method was wrong.
  var allowed: String?

  init(_ status: Status, _ sentence: String) { (self.status, description) = (status, sentence) }

  /// The statuses that a refusal may have.
  enum Status: Int, Sendable, CaseIterable {
    case badRequest = 400
    case unauthorized = 401
    case forbidden = 403
    case notFound = 404
    case wrongMethod = 405
    case timedOut = 408
    case conflict = 409
    case lengthRequired = 411
    case tooLarge = 413
    case wrongMedia = 415
    case tooMany = 429
    case headTooLarge = 431
    case failed = 500
    case unavailable = 503
    case wrongVersion = 505

    /// The words after the number.
    var phrase: String {
      switch self {
      case .badRequest: "Bad Request"
      case .unauthorized: "Unauthorized"
      case .forbidden: "Forbidden"
      case .notFound: "Not Found"
      case .wrongMethod: "Method Not Allowed"
      case .timedOut: "Request Timeout"
      case .conflict: "Conflict"
      case .lengthRequired: "Length Required"
      case .tooLarge: "Content Too Large"
      case .wrongMedia: "Unsupported Media Type"
      case .tooMany: "Too Many Requests"
      case .headTooLarge: "Request Header Fields Too Large"
      case .failed: "Internal Server Error"
      case .unavailable: "Service Unavailable"
      case .wrongVersion: "HTTP Version Not Supported"
      }
    }
  }
}

extension Refused {
  /// The refusal as JSON: the status and the sentence.
  struct Document: Encodable {
    let error: Body

    struct Body: Encodable {
      let status: Int
      let sentence: String
    }
  }

  /// The document of the refusal.
  var document: Document {
    Document(error: .init(status: status.rawValue, sentence: description))
  }

  /// The response that says it.
  var response: HTTPResponse {
    let body = (try? JSON.data(document, isPretty: false)) ?? Data()
    var response = HTTPResponse(
      statusCode: HTTPStatusCode(status.rawValue, phrase: status.phrase),
      headers: [.contentType: "application/json"],
      body: body
    )
    if let retryAfter { response.headers[HTTPHeader("Retry-After")] = "\(retryAfter)" }
    if let allowed { response.headers[HTTPHeader("Allow")] = allowed }
    if status == .unauthorized { response.headers[HTTPHeader("WWW-Authenticate")] = "Bearer" }
    return response
  }
}
