/* fiber.c - stacks to switch between; see fiber.h. */
/* A jump to another stack is what its check takes for a mistake. */
#undef _FORTIFY_SOURCE
#include "fiber.h"

#include <assert.h>
#include <setjmp.h>
#include <stddef.h>
#include <sys/mman.h>
#include <ucontext.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define IS_CHECKED 1
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define IS_CHECKED 1
#endif
#ifdef IS_CHECKED
#include <sanitizer/common_interface_defs.h>
#endif

enum { FIBERS = 8, STACK_BYTES = 2 << 20 };

static struct fiber {
	ucontext_t context; /* how it begins */
	jmp_buf here;
	void *stack;
	void (*fn)(int number);
	void *shadow; /* the sanitizer's */
	bool has_begun, has_ended;
} fibers[FIBERS];

static ucontext_t outside_context;
static int inside = -1;

/* The sanitizer has to know on which stack we are: told before we leave one, and once we
 * have come to another. */
#ifdef IS_CHECKED
static const void *outside_stack;
static size_t outside_bytes;
static void *outside_shadow;

static void go_to(struct fiber *fiber)
{
	swapcontext(&outside_context, &fiber->context);
}

static void go_from(struct fiber *fiber)
{
	swapcontext(&fiber->context, &outside_context);
}

static void leave_outside(const struct fiber *fiber)
{
	__sanitizer_start_switch_fiber(&outside_shadow, fiber->stack, STACK_BYTES);
}

static void come_outside(void)
{
	__sanitizer_finish_switch_fiber(outside_shadow, NULL, NULL);
}

static void leave_inside(struct fiber *fiber)
{
	__sanitizer_start_switch_fiber(fiber->has_ended ? NULL : &fiber->shadow, outside_stack,
				       outside_bytes);
}

static void come_inside(const struct fiber *fiber)
{
	__sanitizer_finish_switch_fiber(fiber->shadow, &outside_stack, &outside_bytes);
}
#else
/* Jumps, as swapcontext asks the kernel each time for signals that nobody has blocked. */
static jmp_buf outside;

static void go_to(struct fiber *fiber)
{
	if (_setjmp(outside) != 0)
		return;
	if (fiber->has_begun)
		_longjmp(fiber->here, 1);
	fiber->has_begun = true;
	swapcontext(&outside_context, &fiber->context);
}

static void go_from(struct fiber *fiber)
{
	if (_setjmp(fiber->here) == 0)
		_longjmp(outside, 1);
}

static void leave_outside(const struct fiber *fiber)
{
	(void)fiber;
}

static void come_outside(void)
{
}

static void leave_inside(struct fiber *fiber)
{
	(void)fiber;
}

static void come_inside(const struct fiber *fiber)
{
	(void)fiber;
}
#endif

static void go_out(struct fiber *fiber)
{
	leave_inside(fiber);
	go_from(fiber);
	come_inside(fiber);
}

static void begin(void)
{
	struct fiber *fiber = &fibers[inside];

	come_inside(fiber);
	fiber->fn(inside);
	fiber->has_ended = true;
	go_out(fiber);
	assert(false);
}

void fiber_begin(int number, void (*fn)(int number))
{
	struct fiber *fiber = &fibers[number];

	if (!fiber->stack) {
		fiber->stack = mmap(NULL, STACK_BYTES, PROT_READ | PROT_WRITE,
				    MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
		assert(fiber->stack != MAP_FAILED);
	}
	getcontext(&fiber->context);
	fiber->context.uc_stack.ss_sp = fiber->stack;
	fiber->context.uc_stack.ss_size = STACK_BYTES;
	fiber->context.uc_link = NULL;
	fiber->fn = fn;
	fiber->has_begun = fiber->has_ended = false;
	fiber->shadow = NULL;
	makecontext(&fiber->context, begin, 0);
}

bool fiber_resume(int number)
{
	struct fiber *fiber = &fibers[number];

	if (fiber->has_ended)
		return false;
	inside = number;
	leave_outside(fiber);
	go_to(fiber);
	come_outside();
	inside = -1;
	return !fiber->has_ended;
}

void fiber_yield(void)
{
	go_out(&fibers[inside]);
}

bool fiber_is_inside(void)
{
	return inside >= 0;
}

void fiber_abandon(void)
{
	inside = -1;
}
