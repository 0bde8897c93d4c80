package org.apache.spark.sql.sparkllm

import java.nio.{ByteBuffer, ByteOrder}
import java.nio.charset.StandardCharsets.UTF_8

/**
 * The few opcodes of Python's pickle protocol 2 that are needed to name a function by reference,
 * so that the command of a Python function can be written without a Python driver.
 */
object PythonPickle {
  private val Protocol = bytes(0x80, 2)
  private val Call = bytes('R')
  private val Tuple1 = bytes(0x85)
  private val Tuple2 = bytes(0x86)
  private val Stop = bytes('.')

  /** The pickle of `(function(argument), typeReader(dataType))`, names as `module.name`. */
  def command(
      function: String, argument: String, typeReader: String, dataType: String): Array[Byte] =
    Protocol ++ call(function, argument) ++ call(typeReader, dataType) ++ Tuple2 ++ Stop

  private def call(function: String, argument: String): Array[Byte] =
    global(function) ++ unicode(argument) ++ Tuple1 ++ Call

  private def global(path: String): Array[Byte] = {
    val dot = path.lastIndexOf('.')
    s"c${path.take(dot)}\n${path.drop(dot + 1)}\n".getBytes(UTF_8)
  }

  private def unicode(text: String): Array[Byte] = {
    val encoded = text.getBytes(UTF_8)
    val length = ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN).putInt(encoded.length)
    bytes('X') ++ length.array ++ encoded
  }

  private def bytes(values: Int*): Array[Byte] = values.map(_.toByte).toArray
}
