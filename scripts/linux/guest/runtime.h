/* System calls, strings and output of scenarios.c, which has no C library. */
#ifndef RUNTIME_H
#define RUNTIME_H

#include "drm-abi.h"

static s32 system_call(s32 number, u32 a, u32 b, u32 c) {
  s32 result;
  __asm__ volatile("int $0x80" : "=a"(result) : "0"(number), "b"(a), "c"(b), "d"(c) : "memory");
  return result;
}

/* Compilers call these three by themselves, to clear, copy and pass structures. */
void *memset(void *to, int value, unsigned int length) {
  u8 *byte = to;
  while (length--) *byte++ = (u8)value;
  return to;
}

void *memmove(void *to, const void *from, unsigned int length) {
  u8 *target = to;
  const u8 *source = from;
  if (target < source)
    while (length--) *target++ = *source++;
  else
    while (length--) target[length] = source[length];
  return to;
}

void *memcpy(void *to, const void *from, unsigned int length) { return memmove(to, from, length); }

static u32 length_of(const char *text) {
  u32 length = 0;
  while (text[length]) length++;
  return length;
}

static int equal(const char *a, const char *b) {
  while (*a && *a == *b) a++, b++;
  return *a == *b;
}

static void sleep_ms(u32 ms) {
  struct timespec time = {(s32)(ms / 1000), (s32)(ms % 1000 * 1000000)};
  system_call(SYS_NANOSLEEP, (u32)&time, 0, 0);
}

static char line[512];
static u32 line_length;

static void put(const char *text) {
  while (*text && line_length < sizeof line - 2) line[line_length++] = *text++;
}

static void put_unsigned(u32 value, u32 base, u32 least_digits) {
  char digits[12];
  u32 at = sizeof digits - 1;
  digits[at] = 0;
  do digits[--at] = "0123456789abcdef"[value % base], value /= base;
  while (value || sizeof digits - 1 - at < least_digits);
  put(digits + at);
}

static void put_number(s32 value) {
  if (value < 0) put("-");
  put_unsigned(value < 0 ? -(u32)value : (u32)value, 10, 1);
}

/* " name=value" */
static void put_field(const char *name, s32 value) {
  put(" ");
  put(name);
  put("=");
  put_number(value);
}

static void put_space_number(s32 value) {
  put(" ");
  put_number(value);
}

static void end_line(void) {
  u32 sent = 0;
  line[line_length++] = '\n';
  while (sent < line_length) {
    s32 count = system_call(SYS_WRITE, 1, (u32)line + sent, line_length - sent);
    if (count <= 0) break;
    sent += (u32)count;
  }
  line_length = 0;
  system_call(SYS_IOCTL, 1, TCSBRK, 1); /* waits until the serial port has sent everything */
}

static void say(const char *word, const char *argument) {
  put("@@");
  put(word);
  put(" ");
  put(argument);
  end_line();
}

static int failures;

static void fail(const char *what) {
  failures++;
  say("FAIL", what);
}

static void leave(int code) {
  for (;;) system_call(SYS_EXIT, (u32)code, 0, 0);
}

#endif
