/* Takes secrets out of a text for people: a server, or a proxy before it, may
 * repeat a request in what it answers. Pure. */
#pragma once

/* Overwrites each piece of `text` that begins as `secret` does, for eight
 * characters or more, with one "*" a character: texts are cut, so a piece may
 * be all there is. A shorter secret is none, nor is NULL. */
void redact(char *text, const char *secret);
