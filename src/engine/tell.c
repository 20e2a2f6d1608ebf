/* tell.c - the engine's words: lines for the log, as effects. */
#include <stdarg.h>

#include "internal.h"

void tell_line(struct step *step, const struct run *about, bool is_warning, const char *format, ...)
{
	struct effect *effect = effects_add(step->effects, EFFECT_TELL);
	struct buf text = {0};
	va_list args;

	va_start(args, format);
	buf_vformat(&text, format, args);
	va_end(args);
	effect->text = arena_text(step->effects->arena, buf_string(&text));
	buf_finish(&text);
	effect->is_warning = is_warning;
	if (about) {
		effect->run.id = about->id;
		effect->run.job = arena_text(step->effects->arena, about->job);
	}
}
